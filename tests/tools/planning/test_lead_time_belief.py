import numpy as np
import pytest

from tools.planning.lead_time_belief import LOST, believe_lead_time


@pytest.mark.parametrize("promised", [0, 1, 2, 4, 30])
def test_before_any_receipt_the_promise_is_likeliest_and_chances_add_up_to_one(promised: int) -> None:
    belief = believe_lead_time(promised)

    assert belief.chances.argmax() == promised
    assert belief.chances.sum() == pytest.approx(1)
    assert belief.chances[-1] == pytest.approx(LOST)
    assert (belief.chances > 0).all()


@pytest.mark.parametrize(("promised", "true"), [(2, 3), (0, 2), (4, 1)])
def test_a_true_lead_time_other_than_the_promise_is_learned(promised: int, true: int) -> None:
    belief = believe_lead_time(promised, receipts=[true] * 12)

    assert belief.chances.argmax() == true
    assert belief.chances[true] > 0.6


def test_a_supplier_that_loses_orders_is_found_out() -> None:
    reliable = believe_lead_time(2, receipts=[2] * 24)
    careless = believe_lead_time(2, receipts=[2] * 12, open_ages=range(12, 24))

    assert reliable.chances[-1] < 0.1
    assert careless.chances[-1] > 0.3


def test_a_young_open_order_says_nothing_of_loss_and_an_overdue_one_does() -> None:
    told = believe_lead_time(2, receipts=[2] * 5)
    young, overdue = (believe_lead_time(2, receipts=[2] * 5, open_ages=[age]) for age in (0, 5))

    assert young.chances[-1] == pytest.approx(told.chances[-1], rel=0.01)
    assert overdue.chances[-1] > 2 * told.chances[-1]


def test_the_longer_an_order_stays_away_the_likelier_it_is_lost() -> None:
    belief = believe_lead_time(2, receipts=[2] * 10)

    chances = [belief.chance_lost(age) for age in range(belief.longest + 3)]

    assert chances == sorted(chances)
    assert chances[0] < 0.2
    assert chances[-1] == 1


def test_a_long_promise_is_given_longer_before_an_order_is_written_off() -> None:
    assert believe_lead_time(30).longest == 75
    assert believe_lead_time(4).longest == 10


def test_a_receipt_later_than_any_that_is_followed_counts_as_the_latest() -> None:
    belief = believe_lead_time(2, receipts=[50])

    assert belief.chances[belief.longest] > 0.3


def test_drawn_lead_times_come_as_often_as_they_are_likely() -> None:
    belief = believe_lead_time(2, receipts=[2, 2, 3])

    drawn = belief.draw(1000, age=0, never=99, random=np.random.default_rng(1))

    for periods, chance in enumerate(belief.chances[:-1]):
        assert (drawn == periods).mean() == pytest.approx(chance, abs=0.002)
    assert (drawn == 99).mean() == pytest.approx(belief.chances[-1], abs=0.002)


def test_an_order_is_never_drawn_to_have_come_before_its_age() -> None:
    drawn = believe_lead_time(2).draw(500, age=3, never=99, random=np.random.default_rng(1))

    assert drawn.min() == 3


def test_the_first_of_many_later_orders_rarely_fails_to_come() -> None:
    belief = believe_lead_time(2)

    first = belief.first_arrival(np.arange(1, 12), count=500, never=20, random=np.random.default_rng(1))

    assert first.min() >= 1
    assert (first == 20).mean() < 0.01
