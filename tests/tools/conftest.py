"""Databases without tables, proposals, and product facts for the calculator."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.order_book import record
from tools.book.book import OrderBook
from tools.records.facts import (
    DemandHistory,
    Product,
    ProductFacts,
    Stock,
    Supplier,
)
from tools.records.orders import NewProposal, Order
from tools.records.plan import Confidence, ImpliedService, Plan


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/folder/book.db"
        return
    server = request.getfixturevalue("postgres")
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture
def new_proposal() -> Callable[..., NewProposal]:
    """A proposal of 40 BOLTS at 12.50 for a run, with anything changed."""

    def build(run_id: str, **changes: Any) -> NewProposal:
        values: dict[str, Any] = {
            "run_id": run_id,
            "action": "purchase_order",
            "product_id": "BOLTS",
            "product_name": "Bolts M8 – verzinkt",
            "location": "SHOP",
            "mode": "database",
            "supplier_id": "ACME",
            "supplier_name": "Acme Fasteners",
            "quantity": 40,
            "unit_price": Decimal("12.50"),
            "currency": "EUR",
            "lead_time_days": 7,
            "plan": PLAN,
            "confidence": Confidence(value=0.83, raw=0.9, calibrated=True, label="calibrated"),
            "rationale": "Stock lasts three days.",
            "concerns": ("supplier was late twice",),
            "provider": "rules",
            "model": "rules",
            "origin": "trigger",
            "requested_by": "erp",
        }
        return NewProposal(**(values | changes))

    return build


@pytest.fixture
def placed(book: OrderBook, new_run: Any, new_proposal: Any) -> Callable[..., Any]:
    """Places an order by itself, with anything about it changed."""

    async def place(**changes: Any) -> Order:
        about = {name: changes[name] for name in ("product_id", "location", "mode") if name in changes}
        run = await record(book, new_run(**about), owner="w1", lease_seconds=60)
        await book.orders.propose(new_proposal(run.id, **changes), route="auto", expires_in_hours=1)
        order = (await book.orders.place(run.id)).order
        assert order is not None
        return order

    return place


PLAN = Plan(
    product_id="BOLTS",
    location="SHOP",
    method="forecast_error",
    distribution="lognormal",
    service_type="cycle",
    service_level=0.95,
    implied=ImpliedService(cycle_service_level=0.951, fill_rate=0.99),
    lead_time_days=7,
    review_period_days=1,
    protection_interval_days=8,
    mean_per_day=4.25,
    mean_demand=34,
    demand_sd=6.1,
    demand_class="smooth",
    periods=180,
    nonzero_periods=178,
    masked_periods=2,
    backtest_coverage=0.94,
    safety_stock=10.1,
    reorder_point=44.1,
    order_up_to_level=70,
    on_hand=30,
    on_order=0,
    backorders=0,
    inventory_position=30,
    shortage=14.1,
    days_until_stockout=7.1,
    recommended_action="purchase_order",
    order_quantity=40,
    minimum_quantity=20,
    maximum_quantity=60,
    permitted_leftover=20,
    unit_price=Decimal("12.50"),
    order_value=Decimal("500.00"),
    currency="EUR",
    reason="The position of 30 is below the reorder point of 44.1.",
    derivation=("70 - 30 = 40",),
    notices=(),
    textbook=None,
)

SEVEN_DAYS = (100.0, 120, 110, 130, 125, 115, 140)


@pytest.fixture(scope="session")
def make_facts() -> Callable[..., ProductFacts]:
    """Facts of the seven-day example (lead time 7, 150 on hand at 500 each), but for what a test states."""

    def make(
        *,
        demand: tuple[float | None, ...] = SEVEN_DAYS,
        history: dict[str, Any] | None = None,
        stock: dict[str, Any] | None = None,
        supplier: dict[str, Any] | None = None,
        data_age_days: float = 0,
        **product: Any,
    ) -> ProductFacts:
        return ProductFacts(
            product=Product(**{"id": "X1", "name": "X1", "unit_price": Decimal(500)} | product),
            supplier=Supplier(**{"id": "S1", "name": "S1", "promised_lead_time_days": 7} | (supplier or {})),
            stock=Stock(**{"location": "HQ", "on_hand": 150} | (stock or {})),
            demand=DemandHistory(values=demand, **(history or {})),
            source="input",
            data_age_days=data_age_days,
        )

    return make
