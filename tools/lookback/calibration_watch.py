"""Is the confidence still what it says? The table in use, and what has been observed of real orders since. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from tools.book.outcomes import by_route
from tools.lookback.reliability import CalibrationTest, calibration_test, reliability
from tools.planning.confidence import CalibrationTable, ReliabilityBin
from tools.records.facts import Record
from tools.records.orders import OrderOutcome

FEWEST_FOR_DRIFT = 30
DRIFT_P_VALUE = 0.001
"""Below it there is drift. So small because it is looked at again and again, with each outcome that comes in."""


class TableInUse(Record):
    """Where the calibration comes from."""

    origin: str
    """The data that the table was fitted on."""
    fitted_on: date | None
    """The day it was fitted; null when not known."""
    age_days: int | None
    """Days since then; null when not known."""
    proposals: int
    """Past proposals that it was fitted on."""
    recorded_outcomes: int
    """Outcomes of real orders that it was fitted on."""
    strata: tuple[str, ...]
    """Groups of products that it has a curve for."""


class RouteOutcomes(Record):
    """Orders placed one way whose outcome is known."""

    outcomes: int
    """Orders placed this way whose outcome is known."""
    acceptable: int
    """How many of them turned out right."""


class Observed(Record):
    """What became of real orders, the latest thousand with a recorded outcome."""

    test: CalibrationTest
    """A test of all of them."""
    drift: bool
    """Whether the confidence no longer holds: thirty outcomes or more disagree with it at p < 0.001."""
    reliability: tuple[ReliabilityBin, ...]
    """Stated confidence beside the share that turned out right, by tenths."""
    by_route: dict[str, RouteOutcomes]
    """Counts by how the order came about: automatic, approved, edited."""


class CalibrationState(Record):
    """The table, how it held on later data when it was fitted, and what has been observed in operation."""

    table: TableInUse | None
    """The calibration in use; null when the confidence is raw, not calibrated."""
    reliability: tuple[ReliabilityBin, ...]
    """How a trial table held on later data when it was fitted."""
    observed: Observed
    """What has been seen of real orders since."""
    reviews_decided: dict[str, int]
    """How many reviews were approved, edited and rejected. A rejected order has no outcome."""


def calibration_state(
    table: CalibrationTable | None, recorded: Sequence[OrderOutcome], *, decided: Mapping[str, int], today: date
) -> CalibrationState:
    """Everything at one look."""
    return CalibrationState(
        table=None if table is None else _in_use(table, today),
        reliability=() if table is None else table.reliability,
        observed=observed(recorded),
        reviews_decided=dict(decided),
    )


def observed(recorded: Sequence[OrderOutcome]) -> Observed:
    """What recorded outcomes say of the confidence that had been stated."""
    test = calibration_test([each.confidence for each in recorded], [each.acceptable for each in recorded])
    routes = {name: RouteOutcomes(outcomes=n, acceptable=good) for name, (n, good) in by_route(recorded).items()}
    return Observed(
        test=test,
        drift=test.outcomes >= FEWEST_FOR_DRIFT and test.p_value < DRIFT_P_VALUE,
        reliability=_bins(recorded),
        by_route=routes,
    )


def _bins(recorded: Sequence[OrderOutcome]) -> tuple[ReliabilityBin, ...]:
    """Of all orders, then of each stratum."""
    bins: list[ReliabilityBin] = []
    for stratum in ("all", *sorted({each.stratum for each in recorded})):
        own = [each for each in recorded if stratum in ("all", each.stratum)]
        if own:
            said, came = ([getattr(each, name) for each in own] for name in ("confidence", "acceptable"))
            bins += reliability(np.array(said), np.array(came, dtype=np.float64), stratum=stratum)
    return tuple(bins)


def _in_use(table: CalibrationTable, today: date) -> TableInUse:
    return TableInUse(
        origin=table.origin,
        fitted_on=table.fitted_on,
        age_days=None if table.fitted_on is None else (today - table.fitted_on).days,
        proposals=table.proposals,
        recorded_outcomes=table.recorded_outcomes,
        strata=tuple(sorted(table.curves)),
    )
