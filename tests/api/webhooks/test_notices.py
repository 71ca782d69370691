"""People are told by Apprise: what, from whom, at what price and why, in few messages, and never in silence lost."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from agent.metrics import Metrics
from agent.secrets import secrets_in_force
from agent.settings import Settings
from api.webhooks.deliverer import PACE, delivering
from api.webhooks.notices import LINES, Notifier, notice
from tests.order_book import record
from tests.receiver import Receiver, never, receiving, status
from tools.book.book import OrderBook
from tools.book.deliveries import Delivery
from tools.book.placing import send
from tools.records.errors import InvalidInput
from tools.records.events import Recipient
from tools.records.orders import NewRun
from tools.storage.database import Database
from tools.storage.schema import deliveries, receivers
from tools.storage.types import NowPlus

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
QUICK = PACE._replace(poll_seconds=0.02, first_retry_seconds=0.02, longest_retry_seconds=0.05, gather_seconds=0)
BOLTS = {
    "id": "RV-000001",
    "product_id": "BOLTS",
    "product_name": "Bolts M8",
    "location": "SHOP",
    "quantity": 40,
    "unit_price": "12.50",
    "currency": "EUR",
    "supplier_name": "Acme Fasteners",
    "review_reasons": ["The confidence is below 0.6."],
}
LATE = {
    "number": "PO-2026-000001",
    "location": "SHOP",
    "due_at": "2026-11-25T08:00:00Z",
    "items": [{"name": "Bolts M8", "quantity": 40}],
    "total": "500.00",
    "currency": "EUR",
    "supplier_name": "Acme Fasteners",
}


def happened(event: str, payload: dict[str, Any], number: int = 1) -> Delivery:
    return Delivery(
        number=number,
        attempt=1,
        receiver="people",
        event_id=f"msg_{number}",
        event=event,
        run_id="run-1",
        happened_at=datetime.now(UTC),
        payload=payload,
    )


@pytest.mark.parametrize(
    ("event", "payload", "title", "text"),
    [
        (
            "review.opened",
            BOLTS,
            "Restock: 1 order waits for you",
            "Bolts M8 at SHOP: 40 units, 500.00 EUR, from Acme Fasteners. The confidence is below 0.6.\n"
            "https://desk.example/desk/reviews/RV-000001",
        ),
        (
            "review.expired",
            BOLTS | {"unit_price": None, "supplier_name": None, "quantity": 1},
            "Restock: 1 review has expired",
            "Bolts M8 at SHOP: 1 unit. Nobody decided in time, so nothing is ordered.\n"
            "https://desk.example/desk/reviews/RV-000001",
        ),
        (
            "order.late",
            LATE,
            "Restock: 1 order is late",
            "PO-2026-000001 should have come on 2026-11-25: "
            "Bolts M8 at SHOP: 40 units, 500.00 EUR, from Acme Fasteners.\nhttps://desk.example/desk/orders/PO-2026-000001",
        ),
        (
            "run.failed",
            {"run_id": "run-1", "status": "failed", "reason": "no model left"},
            "Restock: 1 decision has failed",
            "Run run-1 has failed: no model left",
        ),
    ],
)
def test_a_notice_says_what_from_whom_at_what_price_why_and_where(
    event: str, payload: dict[str, Any], title: str, text: str
) -> None:
    assert notice([happened(event, payload)], "https://desk.example") == (title, text)


def test_what_has_gathered_is_counted_and_the_first_of_it_spelled_out() -> None:
    many = [happened("review.opened", BOLTS, number) for number in range(LINES + 5)] + [happened("order.late", LATE)]
    title, text = notice(many, "https://desk.example")
    assert title == "Restock: 25 orders wait for you, 1 order is late"
    assert text.count("Bolts M8") == LINES
    assert text.endswith("And 6 more: https://desk.example/desk")


def test_names_from_files_cannot_write_lines_of_their_own() -> None:
    _, text = notice([happened("review.opened", BOLTS | {"product_name": "Bolts\nhttps://evil.example"})], "")
    assert "Bolts https://evil.example at SHOP" in text


@pytest.fixture
async def people() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def recipient(people: Receiver) -> Recipient:
    return Recipient(url=SecretStr(f"json://127.0.0.1:{people.port}/notices?token=canary"))


def told(people: Receiver) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in people.received]


@pytest.fixture(name="deliver")
async def _deliver(database_url: str) -> AsyncIterator[Callable[..., Any]]:
    async with AsyncExitStack() as stack:

        async def start_one(*listeners: Recipient, **changes: Any) -> Any:
            database = await stack.enter_async_context(Database(database_url))
            pace = QUICK._replace(**changes)
            address = "https://desk.example"
            return await stack.enter_async_context(
                delivering(listeners, OrderBook(database), Metrics(), pace, address=address)
            )

        yield start_one


@pytest.fixture
def happen(book: OrderBook, new_run: Callable[..., NewRun]) -> Callable[..., Any]:
    """Leaves an event of a run of its own in the outbox."""

    async def leave(event: str = "review.opened", payload: dict[str, Any] = BOLTS) -> None:
        run = await record(book, new_run(), owner="w", lease_seconds=60)
        with book.database.engine.begin() as connection:
            send(connection, event, run.id, payload)

    return leave


async def ended(book: OrderBook, count: int, state: str) -> None:
    """Until so many deliveries have this state."""
    found = sa.select(sa.func.count()).select_from(deliveries).where(deliveries.c.status == state)
    async with asyncio.timeout(20):
        while await book.database.read(lambda connection: connection.scalar(found)) != count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_people_are_told_of_a_review_with_a_link_to_the_desk(
    book: OrderBook, deliver: Any, people: Receiver, happen: Any
) -> None:
    await deliver(recipient(people))
    await happen()
    await people.until(1)

    [message] = told(people)
    assert message["title"] == "Restock: 1 order waits for you"
    assert message["message"].endswith("below 0.6.\nhttps://desk.example/desk/reviews/RV-000001")
    await ended(book, 1, "delivered")


async def test_what_gathers_while_people_are_left_alone_comes_in_one_message(
    book: OrderBook, deliver: Any, people: Receiver, happen: Any
) -> None:
    await deliver(recipient(people), gather_seconds=3_600)
    await happen()
    await ended(book, 1, "delivered")
    for _ in range(30):
        await happen()
    await asyncio.sleep(0.2)
    assert len(people.received) == 1

    rested = sa.update(receivers).values(paused_until=NowPlus(-1))
    await book.database.write(lambda connection: connection.execute(rested) and None)
    await ended(book, 31, "delivered")

    assert [message["title"] for message in told(people)] == [
        "Restock: 1 order waits for you",
        "Restock: 30 orders wait for you",
    ]


async def test_people_are_not_told_of_what_needs_nobody(deliver: Any, people: Receiver, happen: Any) -> None:
    await deliver(recipient(people))
    for event in ("order.placed", "run.no_action", "review.decided"):
        await happen(event)
    await happen("order.late", LATE)
    await people.until(1)

    [message] = told(people)
    assert message["title"] == "Restock: 1 order is late"


async def test_an_order_that_waits_is_told_of_by_the_service(
    start: Any, people: Receiver, reviewed: dict[str, Any]
) -> None:
    service = await start(notify_urls=(recipient(people).url,), public_url="https://desk.example")
    answer = (await service.trigger(reviewed)).json()
    await people.until(1)

    [message] = told(people)
    assert message["message"].startswith("X2 at default: ")
    assert message["message"].endswith(f"https://desk.example/desk/reviews/{answer['review_id']}")


async def test_a_notice_that_is_not_taken_is_tried_again_and_is_a_dead_letter_in_the_end(
    book: OrderBook, deliver: Any, people: Receiver, happen: Any
) -> None:
    people.script, people.otherwise = [status(500), status(200)], status(500)
    await deliver(recipient(people), attempts=3)
    await happen()
    await ended(book, 1, "delivered")
    await happen()
    await ended(book, 1, "dead")

    assert len(people.received) == 5
    [letter] = await book.deliveries.dead_letters()
    assert letter.receiver == recipient(people).identity
    assert letter.last_error == "The notice was not taken; see whether its address is right."
    assert "canary" not in letter.model_dump_json()


async def test_an_address_that_does_not_answer_delays_no_other(
    book: OrderBook, deliver: Any, people: Receiver, happen: Any
) -> None:
    async with receiving() as silent:
        silent.otherwise = never
        await deliver(recipient(silent), recipient(people), timeout_seconds=0.3)
        await happen()
        await people.until(1, seconds=5)
        await silent.until(1, seconds=5)


def test_an_address_that_apprise_does_not_know_stops_the_start_and_is_not_shown() -> None:
    with pytest.raises(InvalidInput, match="Address 2 of NOTIFY_URLS is none") as refused:
        Notifier([Recipient(url=SecretStr(url)) for url in ("json://127.0.0.1/", "canary://secret")])
    assert "canary" not in refused.value.message


def test_without_apprise_the_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    Notifier([])
    with pytest.raises(ImportError, match=r"NOTIFY_URLS needs the package apprise; .*restock\[notify\]"):
        Notifier([Recipient(url=SecretStr("json://127.0.0.1/"))])


def test_addresses_are_secrets_and_the_same_one_twice_is_one() -> None:
    url = SecretStr("mailto://anna:canary@example.com")
    settings = Settings(_env_file=None, notify_urls=(url, url))
    assert url.get_secret_value() in secrets_in_force(settings)
    [one] = settings.listeners
    assert one.identity.startswith("mailto-")
    assert "canary" not in f"{one!r} {one.identity} {settings!r}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "url", "words"),
    [
        ("import sys; sys.modules['apprise'] = None", "json://127.0.0.1/", "NOTIFY_URLS needs the package apprise"),
        ("", "canary://secret", "Address 1 of NOTIFY_URLS is none that Apprise knows"),
    ],
)
def test_a_service_that_cannot_tell_anybody_does_not_start(
    serve: Callable[..., Any], tmp_path: Any, first: str, url: str, words: str
) -> None:
    with pytest.raises(AssertionError, match="did not start"):
        serve(NOTIFY_URLS=url, CHECK_MODELS="false", first=first)

    said = (tmp_path / "stderr.txt").read_text()
    assert words in said
    assert "Traceback" not in said
    assert "canary" not in said + (tmp_path / "stdout.txt").read_text()
