"""Every check finds what it is named after, and finds nothing in a book that is in order."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.soak.book import Book
from tests.soak.journal import Decided, Journal, Ordered
from tests.soak.receiver import Received
from tests.soak.verdict import CHECKS, Evidence, findings
from tools.storage.schema import metadata

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ORDERS = {"auto": ("PO-2026-000001", 1, 40), "reviewed": ("PO-2026-000002", 2, 50)}


def in_order() -> Evidence:
    """One run that ordered by itself and was received, one that Anna approved and cancelled, one that ordered
    nothing."""
    journal, received = Journal(), Received()
    book = Book({name: [] for name in metadata.tables})
    for number, (run_id, status) in enumerate({"auto": "placed", "reviewed": "approved", "idle": "no_action"}.items()):
        add_run(book, run_id, number + 1, status)
        acknowledge(journal, run_id)
    for run_id in ORDERS:
        add_order(book, received, run_id)
    decide(journal, book)
    for part in (15, 25):
        book["receipts"].append({"order_number": "PO-2026-000001", "quantity": part})
        journal.receipts["PO-2026-000001"][f"in-{part}"] = part
    journal.cancelled["PO-2026-000002"].add("no use")
    tell(book, received, "auto", "order.received", "order.received")
    tell(book, received, "reviewed", "order.cancelled")
    tell(book, received, "reviewed", "review.opened", "review.decided")
    tell(book, received, "idle", "run.no_action")
    happened = [("auto", event) for event in ("order.placed", "order.received", "order.received")]
    happened += [("idle", "run.no_action")]
    happened += [
        ("reviewed", event) for event in ("review.opened", "review.approved", "order.placed", "order.cancelled")
    ]
    book["audit"].extend({"run_id": run_id, "event": event} for run_id, event in happened)
    book["counters"].append({"name": "PO-2026", "value": 2})
    spent = {("shop", "2026-01-31"): 80, ("shop", "total"): 80, ("*", "2026-01-31"): 80}
    spent |= {("anna", "2026-01-31"): 100, ("anna", "total"): 100}
    lines = [{"account": line[0], "period": line[1], "spent": units * 10**6} for line, units in spent.items()]
    book["spending"].extend(lines)
    return Evidence(journal, book, received)


def add_run(book: Book, run_id: str, number: int, status: str) -> None:
    ended = "no_action" if status == "no_action" else "executed"
    book["runs"].append({"id": run_id, "status": ended, "attempts": 1, "finished_at": NOON, "failure": None})
    quantity = ORDERS.get(run_id, ("", 0, 0))[2]
    book["proposals"].append({"number": number, "run_id": run_id, "status": status, "quantity": quantity})


def acknowledge(journal: Journal, run_id: str) -> None:
    number, _, quantity = ORDERS.get(run_id, (None, 0, 0))
    order = number and {"number": number, "items": [{"quantity": quantity}], "total": 2.0 * quantity}
    journal.sent[f"key-{run_id}"] = run_id.upper()
    journal.acknowledge(f"key-{run_id}", {"run_id": run_id, "status": "executed", "order": order})


def add_order(book: Book, received: Received, run_id: str) -> None:
    number, proposal, quantity = ORDERS[run_id]
    by = ("automatic", "shop") if run_id == "auto" else ("anna", "anna")
    book["orders"].append(
        {
            "number": number,
            "run_id": run_id,
            "proposal_number": proposal,
            "product_id": run_id.upper(),
            "type": "purchase_order",
            "purchase_order": None,
            "quantity": quantity,
            "unit_price": Decimal(2),
            "total": Decimal(2 * quantity),
            "placed_by": by[0],
            "placed_by_id": by[1],
            "created_at": NOON,
            "status": "received" if run_id == "auto" else "cancelled",
            "received_quantity": quantity if run_id == "auto" else 0,
        }
    )
    tell(book, received, run_id, "order.placed", number=number, items=[{"quantity": quantity}], total=str(2 * quantity))


def decide(journal: Journal, book: Book) -> None:
    book["decisions"].append({"proposal_number": 2, "decision": "approve", "decided_by": "anna", "quantity": 50})
    shown = Ordered("PO-2026-000002", 50, 100.0)
    journal.decided["RV-000002"] += [
        Decided("RV-000002", "anna", "approve", True, shown),
        Decided("RV-000002", "ben", "reject", False, None),
    ]


def tell(book: Book, received: Received, run_id: str, *events: str, **data: Any) -> None:
    for event in events:
        sequence = len(book["outbox"]) + 1
        book["outbox"].append({"sequence": sequence, "event_id": f"msg_{sequence}", "event": event, "run_id": run_id})
        book["deliveries"].append({"event_sequence": sequence, "status": "delivered"})
        received.messages[f"msg_{sequence}"] = {"type": event, "data": data}


def test_a_book_in_order_has_no_findings() -> None:
    assert findings(in_order()) == []


def row(evidence: Evidence, table: str, number: int = 0) -> dict[str, Any]:
    return evidence.book[table][number]


def copy_order(evidence: Evidence, **changes: Any) -> None:
    evidence.book["orders"].append({**row(evidence, "orders"), **changes})


WRONGS: dict[str, Callable[[Evidence], Any]] = {
    "unanswered requests": lambda e: e.journal.sent.update({"key-never": "X"}),
    "lost runs": lambda e: e.book["runs"].pop(),
    "unfinished runs": lambda e: row(e, "runs", 1).update(status="pending_review", finished_at=None),
    "failed runs": lambda e: row(e, "runs", 2).update(status="failed"),
    "doubled runs": lambda e: e.journal.acknowledge("key-auto", {"run_id": "reviewed", "status": "executed"}),
    "doubled orders of a run": lambda e: copy_order(e, number="PO-2026-000003"),
    "doubled orders of a need": lambda e: copy_order(e, number="PO-2026-000003", run_id="another"),
    "orders without their run": lambda e: row(e, "orders").update(quantity=41),
    "runs without their order": lambda e: e.book["orders"].pop(),
    "lost orders": lambda e: row(e, "orders").update(total=Decimal(81)),
    "broken numbers": lambda e: row(e, "counters").update(value=3),
    "two winners": lambda e: e.journal.decided["RV-000002"].append(Decided("RV-000002", "ben", "reject", True, None)),
    "overruled reviews": lambda e: row(e, "proposals", 1).update(status="rejected"),
    "wrong audit": lambda e: e.book["audit"].pop(),
    "wrong outbox": lambda e: row(e, "outbox").update(event="review.opened"),
    "wrong ledger": lambda e: row(e, "spending", 3).update(spent=1),
    "undelivered messages": lambda e: row(e, "deliveries").update(status="pending"),
    "changed messages": lambda e: e.received.messages["msg_1"]["data"].update(total="1"),
    "forged messages": lambda e: e.received.forged.append("msg_1: No matching signature found"),
    "receipts not as told": lambda e: e.journal.receipts["PO-2026-000001"].pop("in-15"),
    "orders with two ends": lambda e: e.journal.cancelled["PO-2026-000002"].add("another"),
    "orders outside their document": lambda e: row(e, "orders").update(status="placed"),
    "unexpected answers": lambda e: e.journal.unexpected.append("/inventory-trigger: 500"),
}


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_wrong_is_found(check: str) -> None:
    evidence = in_order()

    WRONGS[check](evidence)

    assert check in {finding.check for finding in findings(evidence)}
