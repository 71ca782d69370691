"""What counts as stock: on hand, on order in time and believed, less what is owed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.planning.working import InventoryPosition, count_order, inventory_position
from tools.records.facts import OpenOrder, Stock


def order(due_in_days: float, quantity: float = 100) -> OpenOrder:
    return OpenOrder(reference=f"PO{due_in_days:g}", quantity=quantity, due_in_days=due_in_days)


def position(*orders: OpenOrder, on_hand: float = 50, backorders: float = 0) -> InventoryPosition:
    stock = Stock(location="HQ", on_hand=on_hand, backorders=backorders, open_orders=orders)
    return inventory_position(stock, horizon_days=8, slip_days=4, lead_time_days=7)


def test_an_order_on_its_way_is_netted() -> None:
    """Not netting what is on order orders it twice (met in two ERP systems)."""
    assert position(order(3)).units == 150


@pytest.mark.parametrize(
    ("due_in_days", "standing", "counted"),
    [
        (8, "counted", 100),
        (8.01, "later", 0),
        (-4, "counted", 100),
        (-4.01, "doubted", 50),
        (-11, "doubted", 50),
        (-11.01, "written_off", 0),
    ],
)
def test_an_order_counts_by_when_it_is_due(due_in_days: float, standing: str, counted: float) -> None:
    entry = count_order(order(due_in_days), horizon_days=8, slip_days=4, lead_time_days=7)
    assert (entry.standing, entry.counted) == (standing, counted)


def test_what_is_owed_is_taken_off_and_may_leave_the_position_negative() -> None:
    assert position(on_hand=0, backorders=12).units == -12


def test_the_stated_position_believes_every_overdue_order() -> None:
    late = position(order(-6), order(-60), order(30))
    assert (late.units, late.stated_units) == (100, 250)


@given(
    on_hand=st.floats(0, 1e15),
    backorders=st.floats(0, 1e15),
    due=st.lists(st.tuples(st.floats(-100, 100), st.floats(0, 1e15)), max_size=6),
)
def test_the_position_is_on_hand_plus_on_order_less_backorders(
    on_hand: float, backorders: float, due: list[tuple[float, float]]
) -> None:
    counted = position(*(order(days, units) for days, units in due), on_hand=on_hand, backorders=backorders)
    assert counted.units == counted.on_hand + counted.on_order - counted.backorders
    assert 0 <= counted.on_order <= counted.stated_on_order <= sum(units for _, units in due) * (1 + 1e-12)
