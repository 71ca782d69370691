"""What is remembered of facts that callers send, and how much."""

import pytest

from agent import stock
from agent.state import DecisionRequest
from tools.records.errors import RestockError
from tools.records.facts import (
    DemandHistory,
    OpenOrder,
    Product,
    ProductFacts,
    Stock,
    Supplier,
)


def facts(name: str, *, orders: int = 0) -> ProductFacts:
    open_orders = tuple(OpenOrder(reference=f"R{n}", quantity=1, due_in_days=n) for n in range(orders))
    return ProductFacts(
        product=Product(id=name, name=name),
        supplier=Supplier(id="S", name="S", promised_lead_time_days=7),
        stock=Stock(location="north", on_hand=5, open_orders=open_orders),
        demand=DemandHistory(values=(8.0, 9.0, 10.0, 11.0)),
        source="input",
    )


def decision(name: str, *, sales: tuple[float, ...] = (8.0, 9.0, 10.0, 11.0)) -> DecisionRequest:
    given = facts(name).model_copy(update={"demand": DemandHistory.model_construct(values=sales)})
    return DecisionRequest(product_id=name, mode="input", location="north", facts=given)


def test_many_large_requests_do_not_stay_in_memory() -> None:
    """A thousand open orders make a plan of about 1 MB, and whoever may trigger may send any number of them."""
    small = stock._plan_once.cache_info().currsize
    for number in range(stock.REMEMBERED_BULKY_PLANS + 5):
        stock.plan_for([facts(f"bulky {number}", orders=stock.BULKY // 10 + 1)])

    assert stock._plan_once.cache_info().currsize == small
    assert stock._plan_bulky_once.cache_info().currsize == stock.REMEMBERED_BULKY_PLANS


def test_the_same_facts_are_calculated_once_whatever_their_size() -> None:
    for orders in (0, stock.BULKY):
        first = stock.plan_for([facts("again", orders=orders)])

        assert stock.plan_for([facts("again", orders=orders)]) is first


async def test_what_is_planned_ahead_is_there_when_it_is_asked_for() -> None:
    desk, request = stock.StockDesk({}), decision("ahead")
    before = stock._plan_once.cache_info()

    await desk.plan_ahead(request)
    await desk.plan(request)

    after = stock._plan_once.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 1)


async def test_what_cannot_be_planned_ahead_is_said_where_it_is_asked_for() -> None:
    desk, request = stock.StockDesk({}), decision("never sold", sales=())

    await desk.plan_ahead(request)
    with pytest.raises(RestockError):
        await desk.plan(request)


async def test_a_catalogue_is_not_asked_ahead() -> None:
    await stock.StockDesk({}).plan_ahead(DecisionRequest(product_id="X", mode="mock"))
