import pytest

from tools.planning.open_orders import why_not_another
from tools.records.facts import OpenOrder


def order(**changes: float | None) -> OpenOrder:
    """400 units for 40 days, placed 30 days ago and due in 5."""
    on_time = {"quantity": 400, "due_in_days": 5, "placed_days_ago": 30, "cover_days": 40}
    return OpenOrder.model_validate({"reference": "PO-1", "placed_here": True} | on_time | changes)


def test_an_order_whose_cover_is_half_over_leaves_room_for_another() -> None:
    assert list(why_not_another([order(), order(placed_days_ago=20)])) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"due_in_days": -3.2}, "PO-1 is 3 days late; 400 of 400 units are still to come. Ask the supplier"),
        ({"due_in_days": -0.1, "quantity": 150, "received": 250}, "is less than a day late; 150 of 400 units"),
        ({"quantity": 150, "received": 250}, "PO-1 has arrived in part; 150 of 400 units are still to come"),
        ({"placed_days_ago": 19.9}, "PO-1 was placed 19 days ago, and its 400 units last 40 days"),
        ({"placed_days_ago": None}, "less than a day ago"),
        ({"cover_days": None}, "no demand was expected when it was placed"),
    ],
)
def test_an_order_that_is_late_partly_there_or_young_sends_another_to_a_person(
    changes: dict[str, float | None], words: str
) -> None:
    [reason] = why_not_another([order(**changes)])
    assert words in reason


def test_each_order_that_stands_in_the_way_is_named() -> None:
    late, young = order(due_in_days=-1), OpenOrder(reference="PO-2", quantity=10, due_in_days=5, cover_days=9)
    assert [reason[:4] for reason in why_not_another([late, order(), young])] == ["PO-1", "PO-2"]
