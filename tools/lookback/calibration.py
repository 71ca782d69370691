"""Confidence that held in the past: curves from the raw probability to the share of orders that turned out acceptable.

Fitted on past origins, one monotone curve per stratum of history length and demand class, and checked on later ones.
`restock calibrate FILE --out TABLE` fits on one's own data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from tools.lookback.reliability import reliability
from tools.lookback.rolling_origin import Flags, Origins
from tools.planning.confidence import SHORT_HISTORY, CalibrationCurve, CalibrationTable, ReliabilityBin
from tools.planning.demand import DEMAND_CLASSES
from tools.planning.demand_distribution import FloatArray
from tools.records.errors import InvalidInput
from tools.records.orders import OrderOutcome
from tools.records.quantities import SAME

SERVICE_LEVELS = (0.9, 0.95, 0.98)
FACTORS = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Proposals are the plan's quantity at each of the service levels, and a multiple of it drawn from these."""
CURVE_POINTS = 30
FEWEST_OUTCOMES = 400
"""A stratum with fewer is given the curve of all strata with its history length."""
FEWEST_RECORDED = 50
"""Outcomes of real orders in a stratum from which on they move its curve."""
PRIOR_OUTCOMES = 30.0
"""Independent outcomes, as the raw probability says, that are added to each point of a curve."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Proposals at past origins: how sure the calculator was, and whether each turned out acceptable."""

    raw: FloatArray
    acceptable: FloatArray
    stratum: NDArray[np.str_]
    origin: NDArray[np.intp]
    """Position in the origins they were made at."""
    overlap: float
    """How many of them share an interval of demand, so that together they say as much as one."""

    def where(self, chosen: Flags) -> "Outcomes":
        return replace(self, **{name: getattr(self, name)[chosen] for name in _COLUMNS})


_COLUMNS = ("raw", "acceptable", "stratum", "origin")


def strata(origins: Origins) -> NDArray[np.str_]:
    """As `tools.planning.confidence.stratum`."""
    history = np.where(origins.known < SHORT_HISTORY, "short history, ", "long history, ")
    return np.strings.add(history, np.array(DEMAND_CLASSES)[origins.demand_class])


def judge(origins: Origins, levels: FloatArray, *, needed: FloatArray) -> Outcomes:
    """Proposals that raise the position of each origin to `levels`, where the asked service needs others."""
    leftover = origins.permitted_leftover(needed)
    covered = origins.actual <= levels * (1 + SAME)
    acceptable = covered & (levels - origins.actual <= leftover * (1 + SAME))
    raw = origins.raw_confidence(levels, leftover)
    overlap = max(1.0, origins.interval.length / origins.step)
    return Outcomes(raw, acceptable.astype(np.float64), strata(origins), np.arange(len(origins)), overlap)


def judge_proposals(origins: Origins) -> Outcomes:
    """The plan's own quantities and others, as `FACTORS` says."""
    random = np.random.default_rng(0)
    levels = [origins.levels(level) for level in SERVICE_LEVELS]
    planned = [judge(origins, level, needed=level) for level in levels]
    factors = random.choice(FACTORS, len(origins))
    unit = origins.counting_unit
    other = judge(origins, np.rint(factors * levels[1] / unit) * unit, needed=levels[1])
    return together([*planned, other])


def together(parts: Sequence[Outcomes]) -> Outcomes:
    """Several proposals for the same origins."""
    columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    return Outcomes(**columns, overlap=sum(part.overlap for part in parts))


def fit_table(outcomes: Outcomes, *, origin: str) -> CalibrationTable:
    """One curve per stratum. Raises `InvalidInput` where there is too little to fit any."""
    if outcomes.raw.size < FEWEST_OUTCOMES:
        raise InvalidInput(
            f"{outcomes.raw.size} past proposals are too few to calibrate on; {FEWEST_OUTCOMES} are needed. Give more "
            "products or a longer history."
        )
    everything = fit_curve(outcomes)
    curves = {}
    for history in ("short history", "long history"):
        same = outcomes.where(np.char.startswith(outcomes.stratum, history))
        shared = fit_curve(same) if same.raw.size >= FEWEST_OUTCOMES else everything
        for demand_class in DEMAND_CLASSES[1:]:
            own = same.where(same.stratum == f"{history}, {demand_class}")
            curves[f"{history}, {demand_class}"] = fit_curve(own) if own.raw.size >= FEWEST_OUTCOMES else shared
    return CalibrationTable(origin=origin, curves=curves)


def fit_curve(outcomes: Outcomes) -> CalibrationCurve:
    """Isotonic regression on means of equally many outcomes. (Barlow et al., 1972; Zadrozny & Elkan, 2002)"""
    parts = np.array_split(np.argsort(outcomes.raw, kind="stable"), min(CURVE_POINTS, max(1, outcomes.raw.size // 10)))
    points = [float(outcomes.raw[part].mean()) for part in parts]
    prior = PRIOR_OUTCOMES * outcomes.overlap
    mixed = [
        (float(outcomes.acceptable[part].sum()) + prior * point) / (part.size + prior)
        for part, point in zip(parts, points, strict=True)
    ]
    rising = isotonic_regression(mixed, weights=[float(part.size) for part in parts]).x.tolist()
    distinct = [index for index in range(len(points)) if index == 0 or points[index] > points[index - 1] + 1e-6]
    return CalibrationCurve(
        raw=tuple(round(min(1.0, max(0.0, points[index])), 5) for index in distinct),
        acceptable=tuple(round(min(1.0, max(0.0, rising[index])), 5) for index in distinct),
    )


def calibrated(table: CalibrationTable, outcomes: Outcomes) -> FloatArray:
    """What `tools.planning.confidence.assess` would have said."""
    values = outcomes.raw.copy()
    for stratum, curve in table.curves.items():
        own = outcomes.stratum == stratum
        values[own] = np.interp(outcomes.raw[own], curve.raw, curve.acceptable)
    return values


def fitted_on_origins(*sets: Origins, origin: str) -> CalibrationTable:
    """The table of all origins, of one set of data or several, with how a trial table of the earlier ones of each held
    on the later."""
    judged = [judge_proposals(each) for each in sets]
    cuts = [each.earlier_and_later for each in sets]
    earlier, later = (
        [each.where(cut[side][each.origin]) for each, cut in zip(judged, cuts, strict=True)] for side in (0, 1)
    )
    proposals = pooled(judged)
    return fit_table(proposals, origin=origin).model_copy(
        update={
            "fitted_on": datetime.now(UTC).date(),
            "proposals": proposals.raw.size,
            "reliability": held_out_reliability(pooled(earlier), pooled(later)),
        }
    )


def pooled(parts: Sequence[Outcomes]) -> Outcomes:
    """Proposals of different origins."""
    return replace(together(parts), overlap=max(part.overlap for part in parts))


def held_out_reliability(earlier: Outcomes, later: Outcomes) -> tuple[ReliabilityBin, ...]:
    """Of all strata and of each, on the later proposals; nothing where there is too little."""
    if earlier.raw.size < FEWEST_OUTCOMES or not later.raw.size:
        return ()
    said = calibrated(fit_table(earlier, origin="earlier origins"), later)
    bins = list(reliability(said, later.acceptable, overlap=later.overlap))
    for stratum in np.unique(later.stratum):
        own = later.stratum == stratum
        bins += reliability(said[own], later.acceptable[own], stratum=str(stratum), overlap=later.overlap)
    return tuple(bins)


def moved_by_outcomes(table: CalibrationTable, recorded: Sequence[OrderOutcome]) -> CalibrationTable:
    """The table moved by the outcomes of real orders, in each stratum that has enough of them.

    A curve is drawn to the share that turned out acceptable; the fitted one counts for thirty outcomes at each point.
    """
    curves, used = dict(table.curves), 0
    for stratum, curve in table.curves.items():
        own = [outcome for outcome in recorded if outcome.stratum == stratum]
        if len(own) >= FEWEST_RECORDED:
            curves[stratum] = _moved(curve, own)
            used += len(own)
    return table.model_copy(update={"curves": curves, "recorded_outcomes": used})


def _moved(curve: CalibrationCurve, recorded: Sequence[OrderOutcome]) -> CalibrationCurve:
    points = np.array(curve.raw)
    nearest = np.searchsorted((points[1:] + points[:-1]) / 2, [outcome.raw for outcome in recorded])
    count = np.bincount(nearest, minlength=points.size)
    good = np.bincount(nearest, [outcome.acceptable for outcome in recorded], minlength=points.size)
    weight = count + PRIOR_OUTCOMES
    mixed = (good + PRIOR_OUTCOMES * np.array(curve.acceptable)) / weight
    rising = isotonic_regression(mixed, weights=weight).x.tolist()
    return CalibrationCurve(raw=curve.raw, acceptable=tuple(round(value, 5) for value in rising))


def write(table: CalibrationTable, path: Path) -> None:
    """Replace the file at once: a reader finds the old table or the new one, never a part."""
    try:
        with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            file.write(table.model_dump_json(indent=1) + "\n")
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
    except OSError as error:
        raise InvalidInput(f"The table cannot be written to {path}: {error.strerror}.") from error
