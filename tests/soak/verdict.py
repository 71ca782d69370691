"""What was acknowledged against what is stored and what arrived. Every check is named after what it would find."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from tests.soak.book import Book, Row
from tests.soak.journal import END_STATES, Journal, Ordered
from tests.soak.receiver import Received

AUTOMATIC = "automatic"
DECIDED = {"approve": "review.approved", "edit": "review.edited", "reject": "review.rejected"}
SHOWN = 3


@dataclass
class Evidence:
    journal: Journal
    book: Book
    received: Received


@dataclass(frozen=True)
class Finding:
    """One kind of violation, how often it was found, and the first few cases."""

    check: str
    count: int
    cases: tuple[str, ...]


def findings(evidence: Evidence) -> list[Finding]:
    """What is wrong; nothing, after a good trial."""
    found = {name: list(check(evidence)) for name, check in CHECKS.items()}
    return [Finding(name, len(cases), tuple(cases[:SHOWN])) for name, cases in found.items() if cases]


def unanswered_requests(evidence: Evidence) -> Iterator[str]:
    """A client has sent it again and again, and given up."""
    yield from evidence.journal.unanswered
    yield from (key for key in evidence.journal.sent if not evidence.journal.acknowledged.get(key))


def lost_runs(evidence: Evidence) -> Iterator[str]:
    """Acknowledged, and not in the book."""
    known = evidence.book.by("runs", "id")
    yield from sorted({entry.run_id for entry in evidence.journal.answers if entry.run_id not in known})


def unfinished_runs(evidence: Evidence) -> Iterator[str]:
    """Without an end after everything had time to end."""
    for run in evidence.book["runs"]:
        if run["status"] not in END_STATES or run["finished_at"] is None:
            yield f"{run['id']} is {run['status']} after {run['attempts']} attempts"


def failed_runs(evidence: Evidence) -> Iterator[str]:
    """Ended without a result: nobody will look at that need again."""
    yield from (f"{run['id']}: {run['failure']}" for run in evidence.book["runs"] if run["status"] == "failed")


def doubled_runs(evidence: Evidence) -> Iterator[str]:
    """One key, two runs."""
    for key, answers in evidence.journal.acknowledged.items():
        if len({answer.run_id for answer in answers}) > 1:
            yield f"{key}: {sorted({answer.run_id for answer in answers})}"


def doubled_orders_of_a_run(evidence: Evidence) -> Iterator[str]:
    yield from _repeated(order["run_id"] for order in evidence.book["orders"])


def doubled_orders_of_a_need(evidence: Evidence) -> Iterator[str]:
    """Every product of a trial needs one order at the most; no reviewer of it approves a second."""
    yield from _repeated(order["product_id"] for order in evidence.book["orders"])


def orders_without_their_run(evidence: Evidence) -> Iterator[str]:
    """Of no run, of a run that does not know it, or of other numbers than proposed or decided."""
    runs, proposals = evidence.book.by("runs", "id"), evidence.book.by("proposals", "number")
    decisions = evidence.book.by("decisions", "proposal_number")
    for order in evidence.book["orders"]:
        run, proposal = runs.get(order["run_id"]), proposals.get(order["proposal_number"])
        if not run or not proposal or run[0]["status"] != "executed":
            yield f"{order['number']} of run {order['run_id']}, which is {run and run[0]['status']}"
        elif order["quantity"] != _wanted(order, proposal[0], decisions):
            yield f"{order['number']} is for {order['quantity']}"
        elif order["total"] != order["quantity"] * order["unit_price"]:
            yield f"{order['number']} costs {order['total']}"


def runs_without_their_order(evidence: Evidence) -> Iterator[str]:
    """Executed, by their own word."""
    ordered = evidence.book.by("orders", "run_id")
    yield from (run["id"] for run in evidence.book["runs"] if run["status"] == "executed" and run["id"] not in ordered)


def lost_orders(evidence: Evidence) -> Iterator[str]:
    """Shown to somebody, and not in the book as shown."""
    stored = {order["number"]: order for order in evidence.book["orders"]}
    shown = [*evidence.journal.answers, *evidence.journal.decisions]
    for order in {entry.order for entry in shown if entry.order}:
        if not _is(order, stored.get(order.number)):
            yield f"{order} is {stored.get(order.number)}"


def broken_numbers(evidence: Evidence) -> Iterator[str]:
    """Order numbers with a gap, given twice, or beyond their counter."""
    given = Counter(order["number"].rpartition("-")[0] for order in evidence.book["orders"])
    numbers = {order["number"] for order in evidence.book["orders"]}
    counters = {row["name"]: row["value"] for row in evidence.book["counters"]}
    for series, count in given.items():
        if counters.get(series) != count or numbers < {f"{series}-{n:06d}" for n in range(1, count + 1)}:
            yield f"{series}: {count} orders, the counter is at {counters.get(series)}"
    yield from _repeated(order["number"] for order in evidence.book["orders"])


def two_winners(evidence: Evidence) -> Iterator[str]:
    """Two reviewers were told of the same review that it was theirs that counted, or one whose word is not stored."""
    stored = evidence.book.by("decisions", "proposal_number")
    for review_id, told in evidence.journal.decided.items():
        winners = {(entry.reviewer, entry.decision) for entry in told if entry.counted}
        rows = stored.get(int(review_id.removeprefix("RV-")), [])
        if len(winners) > 1 or len(rows) != 1:
            yield f"{review_id}: {sorted(winners)}, stored {len(rows)}"
        elif not winners <= {(rows[0]["decided_by"], rows[0]["decision"])}:
            yield f"{review_id}: {winners}, stored {rows[0]['decided_by']}, {rows[0]['decision']}"


def overruled_reviews(evidence: Evidence) -> Iterator[str]:
    """A proposal, its run and its decision tell different stories."""
    runs, decisions = evidence.book.by("runs", "id"), evidence.book.by("decisions", "proposal_number")
    outcomes = {"approve": ("approved", "executed"), "edit": ("approved", "executed"), "reject": ("rejected",) * 2}
    for proposal in evidence.book["proposals"]:
        for decision in decisions.get(proposal["number"], []):
            told = (proposal["status"], runs[proposal["run_id"]][0]["status"])
            if told != outcomes[decision["decision"]]:
                yield f"{proposal['number']}: {decision['decision']}, but {told}"


def receipts_not_as_told(evidence: Evidence) -> Iterator[str]:
    """An acknowledged receipt is not stored once, one is stored that nobody was told of, or the sum is another."""
    stored = evidence.book.by("receipts", "order_number")
    for order in evidence.book["orders"]:
        kept = sorted(row["quantity"] for row in stored.get(order["number"], []))
        told = sorted(evidence.journal.receipts.get(order["number"], {}).values())
        if kept != told or sum(kept) != order["received_quantity"]:
            yield f"{order['number']}: told {told}, stored {kept}, received {order['received_quantity']}"


def orders_with_two_ends(evidence: Evidence) -> Iterator[str]:
    """Cancelled twice, or not where its receipts and cancellations say that it stands."""
    for order in evidence.book["orders"]:
        cancelled = evidence.journal.cancelled.get(order["number"], set())
        arrived, ordered = order["received_quantity"], order["quantity"]
        stands = "received" if arrived >= ordered else "partly_received" if arrived else "placed"
        if len(cancelled) > 1 or order["status"] != ("cancelled" if cancelled else stands):
            yield f"{order['number']} is {order['status']}, {arrived} of {ordered}, cancelled for {sorted(cancelled)}"


def orders_outside_their_document(evidence: Evidence) -> Iterator[str]:
    """Bought and not yet sent, and no line of a draft; or a line of one all the same. A trial sends no documents."""
    documents = evidence.book.by("purchase_orders", "number")
    for order in evidence.book["orders"]:
        waits = order["type"] == "purchase_order" and order["status"] == "placed"
        stored = [row["status"] for row in documents.get(order["purchase_order"], [])]
        if stored != (["draft"] if waits else []):
            yield f"{order['number']} is {order['status']} in {order['purchase_order']}, which is {stored}"


def wrong_audit(evidence: Evidence) -> Iterator[str]:
    """Not exactly one entry for each thing that happened to a run."""
    yield from _wrong(evidence, "audit", lambda decision: DECIDED[decision["decision"]])


def wrong_outbox(evidence: Evidence) -> Iterator[str]:
    """Not exactly one message for each thing that happened to a run."""
    yield from _wrong(evidence, "outbox", lambda decision: "review.decided")


def wrong_ledger(evidence: Evidence) -> Iterator[str]:
    """Not what was ordered: of a key's limits ever and a day, and of the day's limit of all automatic orders."""
    spent: Counter[tuple[str, str]] = Counter()
    for order in evidence.book["orders"]:
        day = order["created_at"].date().isoformat()
        lines = [(order["placed_by_id"], day), (order["placed_by_id"], "total")]
        spent.update(dict.fromkeys(lines, order["total"]))
        if order["placed_by"] == AUTOMATIC:
            spent["*", day] += order["total"]
    stored = {(row["account"], row["period"]): Decimal(row["spent"]) / 10**6 for row in evidence.book["spending"]}
    for line in spent.keys() | stored.keys():
        if spent[line] != stored.get(line, 0):
            yield f"{line}: {stored.get(line)} instead of {spent[line]}"


def undelivered_messages(evidence: Evidence) -> Iterator[str]:
    """Never arrived, or not known to have arrived; or made up."""
    sent = {row["event_id"]: row for row in evidence.book["outbox"]}
    deliveries = evidence.book.by("deliveries", "event_sequence")
    for event_id, row in sent.items():
        stored = [delivery["status"] for delivery in deliveries.get(row["sequence"], [])]
        if event_id not in evidence.received.messages or stored != ["delivered"]:
            yield f"{event_id} ({row['event']}) has deliveries {stored}"
    for event_id in evidence.received.messages.keys() - sent.keys():
        yield f"{event_id} was received and never sent"


def changed_messages(evidence: Evidence) -> Iterator[str]:
    """Of an order that is not in the book as it was told."""
    stored = {order["number"]: order for order in evidence.book["orders"]}
    for event_id, message in evidence.received.messages.items():
        if message["type"] == "order.placed":
            told = Ordered.told(message["data"])
            if not _is(told, stored.get(told.number)):
                yield f"{event_id}: {told}"


def forged_messages(evidence: Evidence) -> Iterator[str]:
    """With a signature that is not ours."""
    yield from evidence.received.forged


def unexpected_answers(evidence: Evidence) -> Iterator[str]:
    """A 500, or a refusal of what was right."""
    yield from evidence.journal.unexpected


CHECKS: dict[str, Callable[[Evidence], Iterator[str]]] = {
    check.__name__.replace("_", " "): check
    for check in (
        unanswered_requests,
        lost_runs,
        unfinished_runs,
        failed_runs,
        doubled_runs,
        doubled_orders_of_a_run,
        doubled_orders_of_a_need,
        orders_without_their_run,
        runs_without_their_order,
        lost_orders,
        broken_numbers,
        two_winners,
        overruled_reviews,
        wrong_audit,
        wrong_outbox,
        wrong_ledger,
        undelivered_messages,
        changed_messages,
        forged_messages,
        unexpected_answers,
        receipts_not_as_told,
        orders_with_two_ends,
        orders_outside_their_document,
    )
}


def _repeated(values: Iterable[str]) -> Iterator[str]:
    yield from (f"{value} × {count}" for value, count in Counter(values).items() if count > 1)


def _wanted(order: Row, proposal: Row, decisions: dict[int, list[Row]]) -> int | None:
    if order["placed_by"] == AUTOMATIC:
        return proposal["quantity"] if proposal["status"] == "placed" else None
    decided = decisions.get(proposal["number"])
    return decided[0]["quantity"] if decided else None


def _is(shown: Ordered, stored: Row | None) -> bool:
    if stored is None:
        return False
    total = None if shown.total is None else Decimal(repr(shown.total))
    return (shown.quantity, total) == (stored["quantity"], stored["total"])


def _wrong(evidence: Evidence, table: str, decided_as: Callable[[Row], str]) -> Iterator[str]:
    entries = evidence.book.by(table, "run_id")
    proposals, orders = evidence.book.by("proposals", "run_id"), evidence.book.by("orders", "run_id")
    decisions = evidence.book.by("decisions", "proposal_number")
    for run in evidence.book["runs"]:
        wanted = Counter(_life(evidence, orders.get(run["id"], [])))
        for proposal in proposals.get(run["id"], []):
            wanted.update(HAPPENED.get(proposal["status"], ()))
            wanted.update({decided_as(decision) for decision in decisions.get(proposal["number"], [])})
        got = Counter(row["event"] for row in entries.get(run["id"], []))
        if got != wanted:
            yield f"{run['id']} ({run['status']}): {dict(got)} instead of {dict(wanted)}"


def _life(evidence: Evidence, orders: list[Row]) -> Iterator[str]:
    """The events of a run's orders."""
    receipts = evidence.book.by("receipts", "order_number")
    for order in orders:
        yield "order.placed"
        yield from ("order.received" for _ in receipts.get(order["number"], []))
        if order["status"] == "cancelled":
            yield "order.cancelled"


HAPPENED = {
    "no_action": ("run.no_action",),
    "pending": ("review.opened",),
    "approved": ("review.opened",),
    "rejected": ("review.opened",),
    "expired": ("review.opened", "review.expired"),
    "superseded": ("review.opened", "review.superseded"),
}
