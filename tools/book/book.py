"""The order book: what was asked, proposed, decided and placed. It is business truth; checkpoints are not."""

from tools.book.audit import AuditStore
from tools.book.automatic import AutomaticStore
from tools.book.conversations import ConversationStore
from tools.book.deliveries import DeliveryStore
from tools.book.idempotency import IdempotencyStore
from tools.book.keys import KeyStore
from tools.book.life import LifeStore
from tools.book.orders import OrderStore
from tools.book.outcomes import OutcomeStore
from tools.book.retention import RetentionStore
from tools.book.reviews import ReviewStore
from tools.book.runs import RunStore
from tools.book.sessions import SessionStore
from tools.book.snoozes import SnoozeStore
from tools.book.stock import StockStore
from tools.book.sweeps import SweepStore
from tools.book.usage import UsageStore
from tools.records.money import DayLimit
from tools.storage.database import Database


class OrderBook:
    """Everything that must survive a crash. Each method of its stores is a transaction and may be repeated: a run may
    be carried out any number of times, by any number of processes, and has at most one order.

    The life of a run, with its proposal's status in brackets:

        queued ── claim ──→ running
        running ─ propose(none) ───→ no_action      [no_action]
                ─ propose(auto) [proposed] ─ place → executed [placed], or, with a competing order, as review;
                  `place` also does both at once
                ─ propose(review) ─→ pending_review [pending] ─ decide → executed, no_action [approved], rejected
                ─ fail_run ────────→ failed                   ─ time ──→ expired

    Any of them raises Unavailable when the database cannot serve.
    """

    def __init__(self, database: Database, *, day_limit: DayLimit | None = None) -> None:
        self.database = database
        self.runs = RunStore(database)
        self.reviews = ReviewStore(database)
        self.orders = OrderStore(database, day_limit=day_limit)
        self.life = LifeStore(database)
        self.automatic = AutomaticStore(database)
        self.stock = StockStore(database)
        self.sweeps = SweepStore(database)
        self.outcomes = OutcomeStore(database)
        self.answers = IdempotencyStore(database)
        self.keys = KeyStore(database)
        self.sessions = SessionStore(database)
        self.snoozes = SnoozeStore(database)
        self.conversations = ConversationStore(database)
        self.usage = UsageStore(database)
        self.audit = AuditStore(database)
        self.retention = RetentionStore(database)
        self.deliveries = DeliveryStore(database)
