import pytest

from benchmarks.lead_time_belief import LeadTimeBelief, LeadTimePrior, OpenOrder


def supplied(promised: int, lead_times: list[int | None], *, quantity: int = 100) -> LeadTimeBelief:
    """One order a period, each of a different size; None is an order that never arrives."""
    belief = LeadTimeBelief(promised)
    due: dict[int, float] = {}
    for period, lead_time in enumerate(lead_times):
        belief.place(quantity + period)
        if lead_time is not None:
            due[period + lead_time] = due.get(period + lead_time, 0.0) + quantity + period
        belief.receive(due.pop(period, 0.0))
    return belief


@pytest.mark.parametrize("promised", [0, 1, 2, 4])
def test_before_any_receipt_the_promise_is_likeliest_and_chances_add_up_to_one(promised: int) -> None:
    chances = LeadTimePrior().chances(promised)

    assert chances.argmax() == promised
    assert chances.sum() == pytest.approx(1)
    assert (chances > 0).all()


@pytest.mark.parametrize(("promised", "true"), [(2, 3), (0, 2), (4, 1)])
def test_a_true_lead_time_other_than_the_promise_is_learned(promised: int, true: int) -> None:
    belief = supplied(promised, [true] * 12)

    assert belief.chances.argmax() == true
    assert belief.chances[true] > 0.6


def test_a_supplier_that_loses_orders_is_found_out() -> None:
    reliable = supplied(2, [2] * 24)
    careless = supplied(2, [2, None] * 12)

    assert reliable.chances[-1] < 0.1
    assert careless.chances[-1] > 0.3


def test_a_receipt_is_attributed_by_quantity_not_by_age() -> None:
    belief = LeadTimeBelief(2)
    belief.place(50)
    belief.receive(0)
    belief.place(70)

    belief.receive(70)

    assert belief.open_orders == (OpenOrder(50, age=2),)


def test_two_orders_that_arrive_together_are_both_closed() -> None:
    belief = LeadTimeBelief(2)
    for quantity in (50, 70, 90):
        belief.place(quantity)
        belief.receive(0)

    belief.receive(120)

    assert [order.quantity for order in belief.open_orders] == [90]


def test_of_two_equal_orders_the_one_at_the_promised_age_is_taken_to_have_arrived() -> None:
    belief = LeadTimeBelief(2)
    for quantity in (60, 0, 60, 0):
        belief.place(quantity)
        belief.receive(0)

    belief.receive(60)

    assert belief.open_orders == (OpenOrder(60, age=5),)


def test_a_receipt_that_no_orders_add_up_to_closes_none() -> None:
    belief = LeadTimeBelief(1)
    belief.place(50)

    belief.receive(33)

    assert belief.open_orders == (OpenOrder(50, age=1),)


def test_the_longer_an_order_stays_away_the_likelier_it_is_lost() -> None:
    belief = supplied(2, [2] * 10)

    chances = [belief.chance_lost(age) for age in range(belief.longest + 1)]

    assert chances == sorted(chances)
    assert chances[0] < 0.2
    assert chances[-1] > 0.9


def test_an_order_older_than_the_longest_lead_time_is_written_off() -> None:
    belief = LeadTimeBelief(2)
    before = belief.chances[-1]
    belief.place(500)

    for _ in range(belief.longest):
        belief.receive(0)
    kept = belief.open_orders
    belief.receive(0)

    assert kept == (OpenOrder(500, age=belief.longest),)
    assert belief.open_orders == ()
    assert belief.chances[-1] > before + 0.2


def test_ordering_nothing_leaves_no_open_order() -> None:
    belief = LeadTimeBelief(2)

    belief.place(0)

    assert belief.open_orders == ()
