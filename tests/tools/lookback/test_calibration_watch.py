"""The state of the calibration at one look."""

from datetime import UTC, date, datetime

from tools.lookback.calibration_watch import FEWEST_FOR_DRIFT, calibration_state, observed
from tools.planning.confidence import CalibrationCurve, CalibrationTable
from tools.records.orders import OrderOutcome

TODAY = date(2026, 6, 11)
TABLE = CalibrationTable(
    origin="our sales", curves={"long history, smooth": CalibrationCurve(raw=(0.0,), acceptable=(0.0,))}
)


def outcome(index: int, *, acceptable: bool, confidence: float = 0.8, stratum: str = "long history, smooth"):
    return OrderOutcome(
        order_number=f"PO-{index}",
        ran_out=not acceptable,
        left_over=0,
        acceptable=acceptable,
        confidence=confidence,
        raw=confidence,
        stratum=stratum,
        route="automatic" if index % 2 else "edited",
        recorded_by="erp",
        recorded_at=datetime(2026, 6, 1, tzinfo=UTC),
    )


def mixed(good: int, bad: int) -> list[OrderOutcome]:
    return [outcome(index, acceptable=index < good) for index in range(good + bad)]


def test_the_table_states_origin_and_age() -> None:
    state = calibration_state(TABLE.model_copy(update={"fitted_on": date(2026, 6, 1)}), [], decided={}, today=TODAY)
    assert state.table is not None
    assert (state.table.origin, state.table.age_days, state.table.strata) == (
        "our sales",
        10,
        ("long history, smooth",),
    )
    undated = calibration_state(TABLE, [], decided={}, today=TODAY).table
    assert undated is not None
    assert undated.age_days is None


def test_without_a_table_nothing_is_claimed() -> None:
    state = calibration_state(None, [], decided={"reject": 2}, today=TODAY)
    assert (state.table, state.reliability, state.reviews_decided) == (None, (), {"reject": 2})
    assert not state.observed.drift


def test_outcomes_that_agree_are_no_drift_and_those_that_do_not_are() -> None:
    assert not observed(mixed(80, 20)).drift
    assert observed(mixed(50, 50)).drift


def test_a_few_bad_ones_are_not_called_drift() -> None:
    assert not observed(mixed(0, FEWEST_FOR_DRIFT - 1)).drift
    assert observed(mixed(0, FEWEST_FOR_DRIFT)).drift


def test_bins_stand_for_all_and_for_each_stratum_and_routes_are_counted() -> None:
    found = observed([*mixed(3, 1), outcome(9, acceptable=True, confidence=0.35, stratum="short history, lumpy")])
    assert [(each.stratum, each.count) for each in found.reliability] == [
        ("all", 1),
        ("all", 4),
        ("long history, smooth", 4),
        ("short history, lumpy", 1),
    ]
    assert {name: (route.outcomes, route.acceptable) for name, route in found.by_route.items()} == {
        "automatic": (3, 2),
        "edited": (2, 2),
    }
