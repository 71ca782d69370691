"""Which lead time is planned with, how much it spreads, and how late an order may be before it is doubted."""

import pytest

from tools.planning.lead_time import MOST_REPLAYED, lead_time
from tools.records.facts import Supplier

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
