"""Example requests for the OpenAPI document. A test sends each of them."""

from typing import Any

from fastapi.openapi.models import Example


def _examples(**named: tuple[str, dict[str, Any]]) -> dict[str, Example]:
    """A summary and a request by name."""
    return {name: {"summary": summary, "value": value} for name, (summary, value) in named.items()}


_X1 = {"demand_history": [100, 120, 110, 130, 125, 115, 140], "lead_time_days": 7, "service_level": 0.95}
TRIGGERS = _examples(
    mock=("A product of the sample catalogue", {"product_id": "STEEL_SHEETS", "mode": "mock"}),
    input=(
        "Everything in the request",
        {"product_id": "X1", "mode": "input", "current_stock": 150, **_X1, "unit_price": 500},
    ),
)
SWEEPS = _examples(
    all=("Everything that triggers", {}),
    dry=("What would come of one supplier", {"supplier": "Midwest Metals", "dry_run": True}),
)
_QUESTION = "Which products need an order?"
CHATS = _examples(question=("A question", {"message": _QUESTION}))
COMPLETIONS = _examples(
    question=("A question", {"model": "restock", "messages": [{"role": "user", "content": _QUESTION}]})
)
_BRIDGE_LIMITS = [{"currency": "EUR", "per_order": 5_000, "per_day": 20_000}]
KEYS = _examples(
    bridge=(
        "A key for another system",
        {"name": "erp bridge", "scopes": ["trigger", "read"], "limits": _BRIDGE_LIMITS},
    ),
    reviewer=("A key for a person", {"name": "Anna", "scopes": ["read", "approve"]}),
)
KEY_ROTATIONS = _examples(**{"a day": ("The old secret opens for another day", {"keep_old_hours": 24})})
LIMITS = _examples(
    two=(
        "In two currencies",
        {"limits": [{"currency": "EUR", "per_day": 10_000}, {"currency": "USD", "per_day": 12_000}]},
    )
)
DECISIONS = _examples(
    approve=("Place it as it is", {"decision": "approve", "reason": "Matches the forecast."}),
    edit=("Place another quantity", {"decision": "edit", "quantity": 900, "reason": "A full truck."}),
    override=(
        "Place a quantity beyond the plan's bounds",
        {"decision": "edit", "quantity": 2_500, "override": True, "reason": "The supplier closes for a month."},
    ),
    reject=("Place nothing", {"decision": "reject", "reason": "The product is discontinued."}),
)
OUTCOMES = _examples(
    right=("It was enough, with some left", {"ran_out": False, "left_over": 120}),
    short=("It ran out", {"ran_out": True, "left_over": 0, "received_quantity": 700}),
)
RECEIPTS = _examples(
    now=("What arrived today", {"quantity": 300}),
    yesterday=("Reported later", {"quantity": 448, "received_at": "2026-01-31T09:30:00+01:00"}),
)
_ON_THE_NOTE = {"received_at": "2026-01-28T09:30:00+01:00", "reason": "By the delivery note."}
CORRECTIONS = _examples(
    typed=("A slip of the pen", {"quantity": 50, "instead_of": 500, "reason": "One zero less."}),
    day=("It came on another day", {"quantity": 300, "instead_of": 300, **_ON_THE_NOTE}),
    back=("It was of another order", {"quantity": 0, "instead_of": 300, "reason": "It belongs to PO-2026-000007."}),
)
SENDINGS = _examples(
    seen=("As it was seen", {"version": "1b4f0e98"}),
    small=("Below the minimum", {"version": "1b4f0e98", "below_minimum": True}),
)
DELIVERIES = _examples(
    all=("All that was still to come", {}),
    part=("A part of one line", {"lines": [{"line": "X1", "quantity": 300}]}),
)
CANCELLATIONS = _examples(reason=("It will not come", {"reason": "The supplier has none left."}))
PRODUCTS = _examples(
    bolts=(
        "With the terms of its purchase",
        {"name": "Bolts M8", "supplier": "Acme", "unit_price": 0.12, "order_multiple": 100},
    )
)
SUPPLIERS = _examples(
    acme=(
        "Takes orders twice a week",
        {"name": "Acme", "lead_time_days": 7, "minimum_order_value": 250, "order_days": ["mon", "thu"]},
    )
)
_BOLTS = {"product_id": "BOLTS", "location": "MAIN"}
STOCK = _examples(levels=("Counted", {"levels": [{**_BOLTS, "on_hand": 40}]}))
DEMAND = _examples(day=("What was sold on a day", {"days": [{**_BOLTS, "day": "2026-01-30", "quantity": 12}]}))
ARRIVALS = _examples(part=("60 of them have arrived", {"reference": "4500017", **_BOLTS, "quantity": 60}))
_GIVEN_UP = {"product_id": "BOLTS", "reason": "The supplier has given it up."}
LINE_CANCELLATIONS = _examples(cancelled=("It will not come", {"reference": "4500017", **_GIVEN_UP}))
CATALOGUES = _examples(settings=("Euros and German days", {"currency": "EUR", "time_zone": "Europe/Berlin"}))
READINGS = _examples(
    mapping=("Name a column", {"files": {"sales.csv": {"kind": "sales", "mapping": {"quantity": "Amount"}}}})
)
CONFIRMATIONS = _examples(all=("All rows", {}), good=("Only rows without faults", {"skip_bad": True}))
