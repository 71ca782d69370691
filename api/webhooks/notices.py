"""Tells people by Apprise: mail, chat, phone. What has gathered comes in one message, and one message a minute at most,
so that a sweep of a thousand products is no flood."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any

from tools.book.deliveries import Delivery
from tools.records.errors import InvalidInput
from tools.records.events import Recipient
from tools.records.quantities import cost
from tools.records.text import clean_text, counted, money

MOST = 200
"""Events of one message."""
LINES = 20
"""Events that a message spells out."""
PAUSE_SECONDS = 60.0
"""Between two messages to the same people."""
_THREADS = 4
_NOBODY = "Nobody decided in time, so nothing is ordered."
_HEADINGS = {
    "review.opened": ("order waits for you", "orders wait for you"),
    "review.expired": ("review has expired", "reviews have expired"),
    "order.late": ("order is late", "orders are late"),
    "run.failed": ("decision has failed", "decisions have failed"),
}


class Notifier:
    """Sends messages to addresses of Apprise. It blocks, so it has threads of its own."""

    def __init__(self, recipients: Sequence[Recipient]) -> None:
        """Raises ImportError without Apprise, and InvalidInput for an address that it does not know."""
        self._senders = {each.identity: _sender(place, each) for place, each in enumerate(recipients, 1)}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="notices")

    async def send(self, recipient: str, title: str, body: str) -> bool:
        """Whether the message was taken."""
        send = partial(self._senders[recipient].notify, title=title, body=body, body_format="text")
        return bool(await asyncio.get_running_loop().run_in_executor(self._threads, send))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _sender(place: int, recipient: Recipient) -> Any:
    try:
        import apprise
    except ImportError:
        raise ImportError(
            'NOTIFY_URLS needs the package apprise; install it with: pip install "restock[notify]", or leave it out.'
        ) from None
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its lines may hold parts of addresses
    sender = apprise.Apprise()
    if not sender.add(recipient.url.get_secret_value()):
        raise InvalidInput(
            f"Address {place} of NOTIFY_URLS is none that Apprise knows; write it as mailto://user:password@host."
        )
    return sender


def notice(deliveries: Sequence[Delivery], address: str) -> tuple[str, str]:
    """Title and text of one message. `address` is that of the service."""
    lines = [_line(each, address) for each in deliveries[:LINES]]
    more = [f"And {len(deliveries) - LINES:,} more: {address}/desk"] if len(deliveries) > LINES else []
    counts = {event: sum(each.event == event for each in deliveries) for event in _HEADINGS}
    heading = ", ".join(f"{count:,} {_HEADINGS[event][count != 1]}" for event, count in counts.items() if count)
    return f"Restock: {heading}", "\n\n".join([*lines, *more])


def _line(delivery: Delivery, address: str) -> str:
    """What happened, and where the desk shows it."""
    about, event = delivery.payload, delivery.event
    if event == "order.late":
        what = _what(about["items"][0]["name"], about["items"][0]["quantity"], about["total"], about)
        words = f"{about['number']} should have come on {about['due_at'][:10]}: {what}."
        return f"{words}\n{address}/desk/orders/{about['number']}"
    if event in ("review.opened", "review.expired"):
        price, quantity = about["unit_price"], about["quantity"]
        what = _what(about["product_name"], quantity, None if price is None else cost(Decimal(price), quantity), about)
        why = _NOBODY if event == "review.expired" else " ".join(map(_text, about["review_reasons"]))
        return f"{what}. {why}\n{address}/desk/reviews/{about['id']}"
    return f"Run {delivery.run_id} has failed: {_text(about.get('reason', 'its log has more'))}"


def _what(name: str, quantity: float, value: Any, about: Mapping[str, Any]) -> str:
    """As "Bolts at SHOP: 120 units, 60.00 EUR, from Acme"."""
    worth = "" if value is None else f", {money(value, about['currency'])}"
    supplier = f", from {_text(about['supplier_name'])}" if about["supplier_name"] else ""
    return f"{_text(name)} at {_text(about['location'])}: {counted(quantity)}{worth}{supplier}"


def _text(text: object) -> str:
    """Names come from files and requests: one line, and not too long."""
    return clean_text(str(text), limit=300)
