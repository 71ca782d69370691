import numpy as np
import pytest

from tools.planning.lost_sales import Courses, Economics, profitable_order

PAYS_FOUR = Economics(unit_profit=4, holding_cost=1)


def certain(demand: list[list[float]], *, arrival: int = 0, replacement: int = 1) -> Courses:
    rows = len(demand)
    return Courses(
        demand=np.array(demand, dtype=float),
        arrivals=np.zeros((rows, len(demand[0]))),
        arrival=np.full(rows, arrival),
        replacement=np.full(rows, replacement),
    )


def units(courses: Courses, *, on_hand: float = 0, economics: Economics = PAYS_FOUR, unit: float = 1) -> float:
    return profitable_order(on_hand=on_hand, economics=economics, courses=courses, unit=unit).units


UNIFORM = [[float(most), 1000.0] for most in range(1, 101)]


def test_where_the_next_period_takes_every_leftover_the_order_is_the_newsvendors() -> None:
    assert units(certain(UNIFORM)) == 80


def test_a_leftover_that_nobody_will_take_is_charged_for_its_whole_stay() -> None:
    dying = [[float(most), 0.0, 0.0, 0.0] for most in range(1, 101)]

    assert units(certain(dying)) == 50


def test_stock_and_open_orders_come_before_a_new_order() -> None:
    courses = certain([[100.0, 1000.0]] * 10)
    courses.arrivals[:, 0] = 30

    assert units(courses, on_hand=25) == 45


def test_units_owed_come_on_top_of_demand() -> None:
    assert units(certain([[0.0, 40.0, 1000.0]] * 10, arrival=1, replacement=2), on_hand=-25) == 65


def test_of_too_much_stock_so_many_units_do_not_pay() -> None:
    assert units(certain(UNIFORM), on_hand=95) == -15


def test_sales_lost_before_an_order_can_arrive_are_not_ordered_for() -> None:
    assert units(certain([[70.0, 40.0, 1000.0]] * 10, arrival=1, replacement=2)) == 40


def test_an_order_covers_demand_until_a_replacement_can_arrive() -> None:
    assert units(certain([[40.0, 30.0, 20.0, 1000.0]] * 10, replacement=3), economics=Economics(19, 1)) == 90


def test_a_unit_once_sold_is_not_charged_when_an_open_order_comes_in_later() -> None:
    courses = certain([[50.0, 0.0, 0.0]] * 10)
    courses.arrivals[:, 1] = 100

    assert units(courses, economics=Economics(1, 1)) == 50


def test_nothing_is_ordered_where_no_order_would_arrive() -> None:
    assert units(certain([[40.0, 30.0]] * 10, arrival=2, replacement=2)) == 0


def test_a_product_that_earns_nothing_is_not_ordered() -> None:
    assert units(certain(UNIFORM), economics=Economics(0, 1)) == 0


def test_free_holding_orders_what_may_sell_before_a_replacement() -> None:
    assert units(certain(UNIFORM), economics=Economics(1, 0)) == 100


def test_the_unit_of_money_does_not_matter() -> None:
    assert units(certain(UNIFORM), economics=Economics(400, 100)) == units(certain(UNIFORM))


def test_grams_are_ordered_as_the_same_number_of_pieces() -> None:
    grams = certain([[most / 1000, 1.0] for most, _ in UNIFORM])

    assert units(grams, unit=0.001) == pytest.approx(0.08)


@pytest.mark.parametrize("on_hand", [0, 13, 200])
def test_the_last_unit_pays_for_itself_and_the_one_beyond_does_not(on_hand: float) -> None:
    random = np.random.default_rng(on_hand)
    courses = Courses(
        demand=random.poisson(40, (300, 12)).astype(float),
        arrivals=np.zeros((300, 12)),
        arrival=random.integers(0, 4, 300),
        replacement=random.integers(1, 6, 300),
    )

    order = profitable_order(on_hand=on_hand, economics=PAYS_FOUR, courses=courses)

    assert 4 * order.last.saves_sale >= order.last.periods_held
    assert 4 * order.beyond.saves_sale <= order.beyond.periods_held
    assert order.last.number == order.units
    assert order.beyond.number == max(0, order.units) + 1
