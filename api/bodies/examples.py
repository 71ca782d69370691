"""Example requests for the OpenAPI document. A test sends each of them."""

from fastapi.openapi.models import Example

TRIGGERS: dict[str, Example] = {
    "mock": {
        "summary": "A product of the sample catalogue",
        "value": {"product_id": "STEEL_SHEETS", "mode": "mock"},
    },
    "input": {
        "summary": "Everything in the request",
        "value": {
            "product_id": "X1",
            "mode": "input",
            "current_stock": 150,
            "demand_history": [100, 120, 110, 130, 125, 115, 140],
            "lead_time_days": 7,
            "service_level": 0.95,
            "unit_price": 500,
        },
    },
}

SWEEPS: dict[str, Example] = {
    "all": {"summary": "Everything that triggers", "value": {}},
    "dry": {"summary": "What would come of one supplier", "value": {"supplier": "Midwest Metals", "dry_run": True}},
}

CHATS: dict[str, Example] = {
    "question": {"summary": "A question", "value": {"message": "Which products need an order?"}},
}

COMPLETIONS: dict[str, Example] = {
    "question": {
        "summary": "A question",
        "value": {"model": "restock", "messages": [{"role": "user", "content": "Which products need an order?"}]},
    },
}

KEYS: dict[str, Example] = {
    "bridge": {
        "summary": "A key for another system",
        "value": {
            "name": "erp bridge",
            "scopes": ["trigger", "read"],
            "limits": [{"currency": "EUR", "per_order": 5_000, "per_day": 20_000}],
        },
    },
    "reviewer": {"summary": "A key for a person", "value": {"name": "Anna", "scopes": ["read", "approve"]}},
}

KEY_ROTATIONS: dict[str, Example] = {
    "a day": {"summary": "The old secret opens for another day", "value": {"keep_old_hours": 24}},
}

LIMITS: dict[str, Example] = {
    "two": {
        "summary": "In two currencies",
        "value": {"limits": [{"currency": "EUR", "per_day": 10_000}, {"currency": "USD", "per_day": 12_000}]},
    },
}

DECISIONS: dict[str, Example] = {
    "approve": {"summary": "Place it as it is", "value": {"decision": "approve", "reason": "Matches the forecast."}},
    "edit": {
        "summary": "Place another quantity",
        "value": {"decision": "edit", "quantity": 900, "reason": "A full truck."},
    },
    "override": {
        "summary": "Place a quantity beyond the plan's bounds",
        "value": {
            "decision": "edit",
            "quantity": 2_500,
            "override": True,
            "reason": "The supplier closes for a month.",
        },
    },
    "reject": {"summary": "Place nothing", "value": {"decision": "reject", "reason": "The product is discontinued."}},
}

OUTCOMES: dict[str, Example] = {
    "right": {"summary": "It was enough, with some left", "value": {"ran_out": False, "left_over": 120}},
    "short": {"summary": "It ran out", "value": {"ran_out": True, "left_over": 0, "received_quantity": 700}},
}

RECEIPTS: dict[str, Example] = {
    "now": {"summary": "What arrived today", "value": {"quantity": 300}},
    "yesterday": {"summary": "Reported later", "value": {"quantity": 448, "received_at": "2026-01-31T09:30:00+01:00"}},
}

CORRECTIONS: dict[str, Example] = {
    "typed": {"summary": "A slip of the pen", "value": {"quantity": 50, "instead_of": 500, "reason": "One zero less."}},
    "day": {
        "summary": "It came on another day",
        "value": {
            "quantity": 300,
            "instead_of": 300,
            "received_at": "2026-01-28T09:30:00+01:00",
            "reason": "By the delivery note.",
        },
    },
    "back": {
        "summary": "It was of another order",
        "value": {"quantity": 0, "instead_of": 300, "reason": "It belongs to PO-2026-000007."},
    },
}

SENDINGS: dict[str, Example] = {
    "seen": {"summary": "As it was seen", "value": {"version": "1b4f0e98"}},
    "small": {"summary": "Below the minimum", "value": {"version": "1b4f0e98", "below_minimum": True}},
}

DELIVERIES: dict[str, Example] = {
    "all": {"summary": "All that was still to come", "value": {}},
    "part": {"summary": "A part of one line", "value": {"lines": [{"line": "X1", "quantity": 300}]}},
}

CANCELLATIONS: dict[str, Example] = {
    "reason": {"summary": "It will not come", "value": {"reason": "The supplier has none left."}},
}

PRODUCTS: dict[str, Example] = {
    "bolts": {
        "summary": "With the terms of its purchase",
        "value": {"name": "Bolts M8", "supplier": "Acme", "unit_price": 0.12, "order_multiple": 100},
    },
}

SUPPLIERS: dict[str, Example] = {
    "acme": {
        "summary": "Takes orders twice a week",
        "value": {"name": "Acme", "lead_time_days": 7, "minimum_order_value": 250, "order_days": ["mon", "thu"]},
    },
}

STOCK: dict[str, Example] = {
    "levels": {"summary": "Counted", "value": {"levels": [{"product_id": "BOLTS", "location": "MAIN", "on_hand": 40}]}},
}

DEMAND: dict[str, Example] = {
    "day": {
        "summary": "What was sold on a day",
        "value": {"days": [{"product_id": "BOLTS", "location": "MAIN", "day": "2026-01-30", "quantity": 12}]},
    },
}

ARRIVALS: dict[str, Example] = {
    "part": {
        "summary": "60 of them have arrived",
        "value": {"reference": "4500017", "product_id": "BOLTS", "location": "MAIN", "quantity": 60},
    },
}

LINE_CANCELLATIONS: dict[str, Example] = {
    "cancelled": {
        "summary": "It will not come",
        "value": {"reference": "4500017", "product_id": "BOLTS", "reason": "The supplier has given it up."},
    },
}

CATALOGUES: dict[str, Example] = {
    "settings": {"summary": "Euros and German days", "value": {"currency": "EUR", "time_zone": "Europe/Berlin"}},
}

READINGS: dict[str, Example] = {
    "mapping": {
        "summary": "Name a column",
        "value": {"files": {"sales.csv": {"kind": "sales", "mapping": {"quantity": "Amount"}}}},
    },
}

CONFIRMATIONS: dict[str, Example] = {
    "all": {"summary": "All rows", "value": {}},
    "good": {"summary": "Only rows without faults", "value": {"skip_bad": True}},
}
