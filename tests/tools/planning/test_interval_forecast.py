"""Which method a history calls for, and the distribution of demand over the protection interval it gives."""

from collections.abc import Sequence

import numpy as np
import pytest

from tools.planning.demand import describe
from tools.planning.demand_forecast import combine, newest_moments
from tools.planning.forecast_grid import grid
from tools.planning.interval_forecast import MOST_REPLAYED, DemandForecast, forecast_demand, lead_time
from tools.records.facts import DemandHistory, Supplier

SEVEN = (100.0, 120, 110, 130, 125, 115, 140)
YEAR = tuple(np.random.default_rng(4).poisson(12, 365).astype(float))


def forecast(
    values: Sequence[float],
    *,
    lead: float = 7,
    review: float = 1,
    observed: Sequence[float] = (),
    lead_sd: float | None = None,
    period_days: float = 1,
    uplift: float = 1,
    deterministic: bool = False,
) -> DemandForecast:
    supplier = Supplier(
        id="S",
        name="S",
        promised_lead_time_days=lead,
        observed_lead_times_days=tuple(observed),
        lead_time_sd_days=lead_sd,
    )
    return forecast_demand(
        describe(DemandHistory(values=tuple(values))),
        lead_time=lead_time(supplier),
        review_period_days=review,
        period_days=period_days,
        uplift=uplift,
        deterministic=deterministic,
    )


@pytest.mark.parametrize(
    ("values", "method"),
    [(SEVEN, "normal"), ((*SEVEN, 118.0), "forecast_error"), ((0.0,) * 30, "no_demand")],
)
def test_the_history_chooses_the_method(values: Sequence[float], method: str) -> None:
    assert forecast(values).method == method


def test_the_textbook_method_is_plain_mean_and_sample_deviation() -> None:
    result = forecast(SEVEN, review=0)
    assert result.stock_basis.mean == 840
    assert result.stock_basis.variance == pytest.approx(7 * 175)


def test_the_textbook_method_adds_the_variance_of_the_lead_time() -> None:
    assert forecast(SEVEN, review=0, lead_sd=2).stock_basis.variance == pytest.approx(7 * 175 + (120 * 2) ** 2)


def test_replayed_lead_times_give_the_textbook_method_their_variance() -> None:
    observed = (5.0, 9) * 5
    result = forecast(SEVEN, review=0, observed=observed)
    assert result.stock_basis.mean == 840
    assert result.stock_basis.variance == pytest.approx(7 * 175 + 120**2 * 4)


def test_the_confidence_of_a_short_history_is_read_from_a_widened_distribution() -> None:
    result = forecast(SEVEN, review=0)
    assert result.predictive.variance == pytest.approx(7 * 175 * (1.1 + 7 / 7))
    assert result.predictive.family == "lognormal"


def test_the_spread_is_that_of_past_errors_widened_by_the_interval_over_the_periods() -> None:
    random = np.random.default_rng(8)
    values = tuple(random.gamma(2.0, 20.0, 200))
    result = forecast(values)
    assert result.judged is not None
    past = grid(np.array([values]), periods=np.array([200]), horizon=8)
    rate = combine(
        means=past.means,
        moments=newest_moments(past),
        variance=np.array([np.var(values, ddof=1)]),
        horizon=8,
    )
    assert (result.judged.frame.horizon, result.judged.frame.judged) == (8, 24)
    assert result.widening == pytest.approx(1.1 + 8 / 200)
    assert result.stock_basis.variance == pytest.approx(8 * float(rate.variance[0]) * (1.1 + 8 / 200))
    assert not result.floored


@pytest.mark.parametrize("values", [(30.0,) * 40, (30.0,) * 5])
def test_demand_that_never_varied_is_given_the_chance_variation_of_a_poisson(values: Sequence[float]) -> None:
    result = forecast(values)
    assert result.floored
    assert result.stock_basis.variance >= 8 * 30


def test_demand_stated_not_to_vary_is_certain() -> None:
    result = forecast((30.0,) * 40, deterministic=True)
    assert (result.method, result.stock_basis.family, result.stock_basis.mean) == ("deterministic", "degenerate", 240)


def test_certain_demand_still_meets_an_uncertain_lead_time() -> None:
    """Heizer & Render: 10 a day, lead time normal with mean 6 and sd 1, 98 % service, reorder point 80.5."""
    result = forecast((10.0,) * 40, lead=6, review=0, lead_sd=1, deterministic=True)
    assert result.stock_basis.quantile(0.98) == pytest.approx(80.5, abs=0.1)
    replayed = forecast((10.0,) * 40, review=0, observed=(6.0,) * 9 + (20.0,), deterministic=True)
    assert (replayed.stock_basis.quantile(0.9), replayed.stock_basis.quantile(0.95)) == (60, 200)


def test_ten_receipts_are_replayed_as_a_mixture_and_a_stated_spread_is_added() -> None:
    observed = (7.0,) * 8 + (21.0,) * 2
    mixture = forecast(YEAR, observed=observed)
    assert [part.weight for part in mixture.stock_basis.components] == [0.8, 0.2]
    assert mixture.interval == pytest.approx(10.8)
    added = forecast(YEAR, lead_sd=3)
    without = forecast(YEAR)
    assert added.stock_basis.variance - without.stock_basis.variance == pytest.approx(
        (3 * without.mean_per_period) ** 2
    )


def test_an_uplift_raises_mean_and_spread_in_proportion() -> None:
    values = tuple(np.random.default_rng(8).gamma(2.0, 20.0, 200))
    plain, raised = forecast(values), forecast(values, uplift=1.5)
    assert raised.stock_basis.mean == pytest.approx(1.5 * plain.stock_basis.mean)
    assert raised.stock_basis.variance == pytest.approx(2.25 * plain.stock_basis.variance)


def test_demand_is_taken_for_lognormal_in_whole_units_slow_or_fast() -> None:
    assert forecast((0.0, 0, 3, 0, 0, 1, 0, 2, 0, 0, 1, 0)).stock_basis.family == "lognormal"
    assert forecast(YEAR).stock_basis.family == "lognormal"


def test_the_interval_is_counted_in_demand_periods() -> None:
    monthly = forecast(YEAR[:51], lead=90, review=30, period_days=30)
    assert monthly.interval == 4


def test_no_interval_has_no_demand() -> None:
    result = forecast(YEAR, lead=0, review=0)
    assert (result.stock_basis.mean, result.stock_basis.quantile(0.99)) == (0, 0)


TEN = (7.0, 7, 8, 7, 9, 7, 7, 12, 7, 9)


def supplier(*observed: float, promised: float = 7, sd: float | None = None) -> Supplier:
    return Supplier(
        id="S",
        name="S",
        promised_lead_time_days=promised,
        lead_time_sd_days=sd,
        observed_lead_times_days=observed,
    )


def test_the_promise_stands_without_receipts() -> None:
    lead = lead_time(supplier())
    assert (lead.days, lead.sd_days, lead.replayed, lead.slip_days) == (7, 0, (), 0)


def test_ten_receipts_are_replayed_and_nine_are_not() -> None:
    assert lead_time(supplier(*TEN)).replayed == TEN
    assert lead_time(supplier(*TEN)).days == 8
    assert lead_time(supplier(*TEN[:9])).replayed == ()
    assert lead_time(supplier(*TEN[:9])).days == 7


def test_a_few_receipts_give_the_spread_about_the_promise() -> None:
    assert lead_time(supplier(7, 10)).sd_days == pytest.approx((9 / 2) ** 0.5)
    assert lead_time(supplier(10)).sd_days == 0


def test_a_stated_spread_goes_before_a_few_receipts() -> None:
    assert lead_time(supplier(7, 10, sd=0.5)).sd_days == 0.5


def test_replayed_lead_times_carry_their_own_spread() -> None:
    assert lead_time(supplier(*TEN, sd=3)).sd_days == 0


def test_only_the_latest_receipts_count() -> None:
    improved = lead_time(supplier(*[30.0] * 20, *[5.0] * MOST_REPLAYED))
    assert (improved.days, improved.slip_days) == (5, 0)


def late_supplier(*, promised: float = 30, own: Sequence[float] = (), usual: Sequence[float] = ()) -> Supplier:
    return Supplier(
        id="S",
        name="S",
        promised_lead_time_days=promised,
        observed_lead_times_days=(90.0,) * len(own),
        observed_lateness_days=tuple(own),
        usual_lateness_days=tuple(usual),
    )


def test_lateness_is_added_to_the_promise_of_this_order() -> None:
    """The orders before took 90 days, as they were promised to."""
    found = lead_time(late_supplier(own=(0.0,) * 9 + (4.0,)))
    assert (found.days, found.slip_days, found.receipts) == (pytest.approx(30.4), 4, 10)
    assert sorted(found.replayed) == [30.0] * 9 + [34.0]


def test_a_new_supplier_is_as_late_as_others_are() -> None:
    found = lead_time(late_supplier(usual=(0.0, 0.0, 0.0, 12.0)))
    assert (found.days, found.replayed, found.receipts) == (33, (30.0, 30.0, 30.0, 42.0), 0)


def test_receipts_of_the_supplier_outweigh_others_as_they_grow_more() -> None:
    usual = (10.0,) * 10
    days = [lead_time(late_supplier(own=(0.0,) * count, usual=usual)).days for count in (0, 10, 30)]
    assert days == pytest.approx([40, 35, 32.5])


def test_an_order_never_comes_before_it_is_placed() -> None:
    assert min(lead_time(late_supplier(promised=3, usual=(-8.0, 0.0))).replayed) == 0


def test_without_the_usual_lateness_a_few_receipts_are_not_replayed() -> None:
    assert lead_time(late_supplier(own=(5.0,) * 9)).replayed == ()


def test_an_assumed_lead_time_moves_the_mean_and_keeps_the_spread() -> None:
    assumed = lead_time(supplier(*TEN), stated_days=21)
    assert assumed.days == pytest.approx(21)
    assert sorted(assumed.replayed) == pytest.approx(sorted(days + 13 for days in TEN))
    assert lead_time(supplier(sd=2), stated_days=21).days == 21


def test_an_assumed_lead_time_never_makes_one_negative() -> None:
    assert min(lead_time(supplier(*TEN), stated_days=0).replayed) == 0


@pytest.mark.parametrize(
    ("given", "slip"),
    [(supplier(*TEN), 5), (supplier(5, 6), 0), (supplier(sd=1.5), 3), (supplier(), 0)],
)
def test_the_slip_is_the_latest_that_an_order_has_been(given: Supplier, slip: float) -> None:
    assert lead_time(given).slip_days == slip
