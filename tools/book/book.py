"""The order book: what was asked, proposed, decided and placed. Business truth; LangGraph's checkpoints are not."""

from sqlalchemy.ext.asyncio import AsyncEngine

from tools.book.audit import AuditStore
from tools.book.deliveries import DeliveryStore
from tools.book.idempotency import IdempotencyStore
from tools.book.keys import KeyStore
from tools.book.orders import OrderStore
from tools.book.outcomes import OutcomeStore
from tools.book.retention import RetentionStore
from tools.book.reviews import ReviewStore
from tools.book.runs import RunStore
from tools.book.usage import UsageStore
from tools.book.webhooks import WebhookStore
from tools.records.money import DayLimit


class OrderBook:
    """Everything that must outlive a crash, on the engine given. Each method of its stores is a transaction of its own,
    and safe to repeat: a run may be executed any number of times, by any number of processes, and still has at most one
    order.

    The life of a run, with its proposal's status in brackets:

        queued ── claim ──→ running
        running ─ propose(none) ───→ no_action      [no_action]
                ─ propose(auto) [proposed] ─ place → executed [placed], or, with a competing order, as review;
                  `place` also does both at once
                ─ propose(review) ─→ pending_review [pending] ─ decide → executed, no_action [approved], rejected
                ─ fail_run ────────→ failed                   ─ time ──→ expired

    Any of them raises Unavailable when the database cannot serve.
    """

    def __init__(self, engine: AsyncEngine, *, day_limit: DayLimit | None = None) -> None:
        self.runs = RunStore(engine)
        self.reviews = ReviewStore(engine)
        self.orders = OrderStore(engine, day_limit=day_limit)
        self.outcomes = OutcomeStore(engine)
        self.answers = IdempotencyStore(engine)
        self.keys = KeyStore(engine)
        self.usage = UsageStore(engine)
        self.audit = AuditStore(engine)
        self.retention = RetentionStore(engine)
        self.webhooks = WebhookStore(engine)
        self.deliveries = DeliveryStore(engine)
