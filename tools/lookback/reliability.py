"""Does a stated probability hold? Bins of the stated and the observed share, and one test over all. Pure."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy import special

from tools.planning.confidence import ReliabilityBin
from tools.planning.demand_distribution import FloatArray
from tools.records.facts import Record

BINS = 10
TWO_SIDED_95 = 1.959963984540054
SMALLEST_CHANCE = 1e-3
"""Stated probabilities are kept this far from 0 and 1, where a single miss would decide the test."""


class CalibrationTest(Record):
    """Whether outcomes agree with the confidence that was stated."""

    outcomes: int
    """Orders whose outcome is known."""
    mean_stated: float | None
    """Mean confidence stated for them; null without outcomes."""
    share_acceptable: float | None
    """Share of them that turned out right; null without outcomes."""
    calibration_error: float | None
    """Mean distance between confidence and share over ten bins; large by chance while outcomes are few."""
    statistic: float
    """χ² of the test, with 2 degrees of freedom."""
    p_value: float
    """Chance of a disagreement this large if the confidence is true."""


def reliability(
    stated: FloatArray, acceptable: FloatArray, *, stratum: str = "all", overlap: float = 1.0
) -> tuple[ReliabilityBin, ...]:
    """Each tenth of the stated probability that occurs. `overlap` outcomes say as much as one independent one."""
    tenth = np.minimum((stated * BINS).astype(np.int64), BINS - 1)
    return tuple(
        _bin(stratum, stated[tenth == index], acceptable[tenth == index], overlap) for index in np.unique(tenth)
    )


def _bin(stratum: str, stated: FloatArray, acceptable: FloatArray, overlap: float) -> ReliabilityBin:
    share = float(acceptable.mean())
    low, high = wilson_interval(share, stated.size / overlap)
    return ReliabilityBin(
        stratum=stratum,
        predicted=round(float(stated.mean()), 5),
        observed=round(share, 5),
        count=stated.size,
        low=round(low, 5),
        high=round(high, 5),
    )


def wilson_interval(share: float, count: float) -> tuple[float, float]:
    """95 % interval of a probability of which `count` independent trials showed `share`. (Wilson, 1927)

    >>> tuple(round(end, 4) for end in wilson_interval(0.8, 10))
    (0.4902, 0.9433)
    """
    z = TWO_SIDED_95
    spread = z * sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    middle, scale = share + z**2 / (2 * count), 1 + z**2 / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def calibration_error(stated: FloatArray, acceptable: FloatArray) -> float:
    """Expected calibration error: mean distance, weighted by size, of ten equal bins' confidence from their share.

    (Naeini, Cooper & Hauskrecht, 2015)
    """
    tenth = np.minimum((stated * BINS).astype(np.int64), BINS - 1)
    apart = np.bincount(tenth, stated - acceptable, BINS)
    return float(np.abs(apart).sum() / stated.size)


def calibration_test(stated: Sequence[float], acceptable: Sequence[bool]) -> CalibrationTest:
    """Score test of Cox's recalibration: outcomes too many or too few (intercept), or too little or too much spread
    with what was stated (slope). χ² with 2 degrees of freedom, 1 where every stated probability is the same.

    (Cox, 1958, "Two further applications of a model for binary regression")
    """
    if not stated:
        return CalibrationTest(
            outcomes=0, mean_stated=None, share_acceptable=None, calibration_error=None, statistic=0.0, p_value=1.0
        )
    said, came = np.array(stated, dtype=np.float64), np.array(acceptable, dtype=np.float64)
    statistic, p_value = _score_test(np.clip(said, SMALLEST_CHANCE, 1 - SMALLEST_CHANCE), came)
    return CalibrationTest(
        outcomes=said.size,
        mean_stated=float(said.mean()),
        share_acceptable=float(came.mean()),
        calibration_error=calibration_error(said, came),
        statistic=statistic,
        p_value=p_value,
    )


def _score_test(said: FloatArray, came: FloatArray) -> tuple[float, float]:
    factors = np.stack([np.ones_like(said), special.logit(said)])
    score = factors @ (came - said)
    information = (factors * (said * (1 - said))) @ factors.T
    freedom = int(np.linalg.matrix_rank(information, rtol=1e-9))
    statistic = float(score @ np.linalg.pinv(information, rcond=1e-9) @ score)
    return statistic, float(special.chdtrc(freedom, statistic))
