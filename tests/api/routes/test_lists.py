"""Lists of orders and reviews: filters, counts, and no more in them than is asked for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.order_book import let_pass
from tests.own_catalogue import put
from tools.storage.catalogue_schema import catalogue


@pytest.fixture
async def three(service: Any, x1: dict[str, Any]) -> list[str]:
    """Orders of A from Acme, of B at DEPOT, and of C that is late."""
    bodies = [{"product_id": "A", "supplier": "Acme"}, {"product_id": "B", "location": "DEPOT"}, {"product_id": "C"}]
    answers = [(await service.trigger(x1 | body)).json() for body in bodies]
    numbers = [answer["order"]["number"] for answer in answers]
    await let_pass(service.book, await service.book.orders.get(numbers[2]), days=30)
    return numbers


async def listed(service: Any, what: str, **params: Any) -> tuple[str, int]:
    answer = (await service.client.get(f"/{what}", params=params)).json()
    return "".join(each["product_id"] for each in answer[what]), answer["total"]


async def test_orders_are_filtered_and_counted(service: Any, three: list[str]) -> None:
    assert await listed(service, "orders") == ("CBA", 3)
    assert await listed(service, "orders", limit=2) == ("CB", 3)
    assert await listed(service, "orders", supplier="Acme") == ("A", 1)
    assert await listed(service, "orders", location="DEPOT", status="placed") == ("B", 1)
    assert await listed(service, "orders", late="true") == ("C", 1)
    assert await listed(service, "orders", late="false", product_id="C") == ("", 0)
    total = (await service.client.get(f"/orders/{three[0]}")).json()["total"]
    assert await listed(service, "orders", value=total) == ("CBA", 3)
    assert await listed(service, "orders", value=total + 1) == ("", 0)


async def test_a_day_is_one_of_the_catalogues_time_zone(service: Any, three: list[str]) -> None:
    """In Kiritimati it is a day later for 14 hours of every day, and in Niue a day earlier for 11."""
    now = datetime.now(UTC)
    for zone, hours in (("Pacific/Kiritimati", 14), ("Pacific/Niue", -11)):
        put(service.book.database.engine, catalogue, {"name": "time_zone", "value": zone})
        day = (now + timedelta(hours=hours)).date()
        assert (await listed(service, "orders", day=day.isoformat()))[1] == 2
        assert (await listed(service, "orders", day=(day + timedelta(days=2)).isoformat()))[1] == 0
        with service.book.database.engine.begin() as connection:
            connection.execute(catalogue.delete())


async def test_reviews_are_filtered_and_counted(service: Any, reviewed: dict[str, Any]) -> None:
    for body in ({"product_id": "A", "supplier": "Acme"}, {"product_id": "B", "location": "DEPOT"}):
        await service.trigger(reviewed | body)
    assert await listed(service, "reviews") == ("BA", 2)
    assert await listed(service, "reviews", supplier="Acme") == ("A", 1)
    assert await listed(service, "reviews", location="DEPOT", value=1) == ("B", 1)
    assert await listed(service, "reviews", late="true") == await listed(service, "reviews", value=1e9) == ("", 0)
    assert (await listed(service, "reviews", status="approved"))[1] == 0


async def test_a_list_of_reviews_has_no_calculation_unless_it_is_asked_for(service: Any) -> None:
    review_id = (await service.waiting())["review_id"]
    [lean] = (await service.client.get("/reviews")).json()["reviews"]
    [whole] = (await service.client.get("/reviews", params={"include": "calculation"})).json()["reviews"]
    assert lean["calculation"] is None
    assert whole == lean | {"calculation": whole["calculation"]}
    assert whole["calculation"]["derivation"]
    assert (await service.client.get(f"/reviews/{review_id}")).json()["calculation"] == whole["calculation"]


@pytest.mark.parametrize(
    ("what", "params"),
    [
        *[("orders", {"day": "yesterday"}), ("orders", {"value": "much"}), ("orders", {"colour": "red"})],
        *[
            ("reviews", {"include": "everything"}),
            ("reviews", {"late": "perhaps"}),
            ("purchase-orders", {"state": "x"}),
        ],
    ],
)
async def test_a_filter_that_is_not_there_or_says_nothing_is_refused(
    service: Any, problem: Any, what: str, params: dict[str, str]
) -> None:
    problem(await service.client.get(f"/{what}", params=params), 422, "invalid_input")
