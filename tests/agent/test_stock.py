"""What is remembered of facts that callers send, and how much."""

from agent import stock
from tools.models import DemandHistory, OpenOrder, Product, ProductFacts, Stock, Supplier


def facts(name: str, *, orders: int = 0) -> ProductFacts:
    open_orders = tuple(OpenOrder(reference=f"R{n}", quantity=1, due_in_days=n) for n in range(orders))
    return ProductFacts(
        product=Product(id=name, name=name),
        supplier=Supplier(id="S", name="S", promised_lead_time_days=7),
        stock=Stock(location="north", on_hand=5, open_orders=open_orders),
        demand=DemandHistory(values=(8.0, 9.0, 10.0, 11.0)),
        source="input",
    )


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
