"""The words of a chat's answers. Every figure in them comes from a tool's result."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from agent.rules.questions import QUESTIONS, QUESTIONS_WITH_SLOTS
from tools.records.text import amount, clean_text, counted, days, money, percent

Data = Mapping[str, Any]
CAN = "Without a language model I answer these:\n" + "\n".join(
    f"- {each}" for each in (*QUESTIONS, *QUESTIONS_WITH_SLOTS)
)
CANNOT = {
    "en": "I can't answer that.",
    "de": "Das kann ich ohne Sprachmodell nicht beantworten.",
    "es": "No puedo responder a eso sin un modelo de lenguaje.",
    "fr": "Je ne peux pas répondre à cela sans modèle de langage.",
}
IN_ENGLISH = {
    "de": "(Ohne Sprachmodell antworte ich auf Englisch.)",
    "es": "(Sin modelo de lenguaje respondo en inglés.)",
    "fr": "(Sans modèle de langage, je réponds en anglais.)",
}
AUTHORITY = (
    "I can't place, approve, reject, cancel, send or change anything from a chat. A person with the right key does "
    "that, at the desk or at POST /reviews/{review_id}/decision. Say 'restock PRODUCT' to ask for an order: it waits "
    "for a person."
)
PLAIN = {
    "greeting": f"Hello. {CAN}",
    "thanks": "You are welcome.",
    "help": f"I answer questions about stock and orders; I place and approve nothing. {CAN}",
    "authority": AUTHORITY,
    "assumption": f"I can't assume that. I can assume another lead time, a late supplier, more or less demand, a "
    f"service level, "
    f"stock on hand, an order of so many units, or a review period.\n{CAN}",
}
WHICH = "Which product do you mean? Name it by its id or name."
NOTHING_BEGUN = "Name one to five products, each by its id or name. Nothing was started."
QUANTITY = "The quantity is calculated, not taken from a chat; a reviewer may change it."
UNFINISHED = "I could not finish looking that up. Please ask about one product at a time."
BOUNDS = "The calculator does not take that figure."


def refusal(why: str, language: str) -> str:
    return "\n".join(filter(None, (CANNOT[language], why, CAN)))


def not_used(words: Iterable[str]) -> str:
    return f"I did not use: {_quoted(words)}." if words else ""


def unknown(words: Iterable[str]) -> str:
    return f"I know no product, supplier, category or location called {_quoted(words)}, and no other use for it."


def taken_as(slips: Mapping[str, str]) -> str:
    return "".join(f"I took {_quoted([typed])} as {_quoted([name])}." for typed, name in slips.items())


def which(words: str, rows: Sequence[Data]) -> str:
    ids = list(dict.fromkeys(row["product_id"] for row in rows))[:6]
    return (
        f"Which product do you mean by {_quoted([words])}: {', '.join(ids)}?"
        if ids
        else f"No product fits {_quoted([words])}."
    )


def error(message: str) -> str:
    """A tool's own sentence where it is written for people."""
    return BOUNDS if "validation" in message or "invoking" in message else clean_text(message, limit=300)


def method(told: Data) -> str:
    return f"{_readable(told['topic']).capitalize()}: {told['explanation']}"


def card(plan: Data, product: Data, slots: Data) -> str:
    """What to order of a product and why, with what it rests on."""
    unit = product["unit"] or "units"
    lines = [headline(plan, unit), str(plan["reason"]), _worth(plan), _asked(plan, slots)]
    lines += [_stock(plan, product, unit), _on_the_way(product), _source(plan, product), _rules(plan, product, unit)]
    lines += [f"Note: {warning}" for warning in plan["warnings"]]
    return "\n".join(line for line in [*lines, *(_derivation(plan) if "why" in slots else [])] if line)


def headline(plan: Data, unit: str) -> str:
    return f"{plan['product_id']} at {plan['location']}: {_action(plan, unit)} now."


def _action(plan: Data, unit: str) -> str:
    quantity = counted(plan["order_quantity"], unit)
    if plan["recommended_action"] == "transfer":
        return f"transfer {quantity} from {plan['transfer']['source_location']}"
    return f"order {quantity}" if plan["recommended_action"] == "purchase_order" else "no order"


def _asked(plan: Data, slots: Data) -> str:
    asked = slots.get("asked")
    return (
        ""
        if asked in (None, plan["order_quantity"])
        else f"The calculated quantity is {amount(plan['order_quantity'])}, not {amount(asked)}."
    )


def _worth(plan: Data) -> str:
    if plan["recommended_action"] != "purchase_order":
        return ""
    value = (
        "of unknown value" if plan["order_value"] is None else f"worth {money(plan['order_value'], plan['currency'])}"
    )
    return f"The order is {value}. Confidence {plan['confidence']:.2f}."


def _stock(plan: Data, product: Data, unit: str) -> str:
    left = plan["days_until_stockout"]
    lasts = "" if left is None else f", for {days(round(left, 1))} at {amount(plan['mean_per_day'])} a day"
    others = "".join(f"; {each['location']} has {amount(each['on_hand'])}" for each in product["other_locations"])
    owed = f", {amount(plan['backorders'])} owed to customers" if plan["backorders"] else ""
    return f"In stock: {counted(plan['on_hand'], unit)}{lasts}{owed}{others}."


def _on_the_way(product: Data) -> str:
    orders = sorted(product["open_orders"], key=lambda order: float(order["due_in_days"]))
    return f"On order: {'; '.join(map(_open_order, orders)) or 'nothing'}."


def _open_order(order: Data) -> str:
    due = order["due_in_days"]
    when = f"{days(-due)} late" if due < 0 else "due today" if due == 0 else f"due in {days(due)}"
    return f"{order['reference']}, {amount(order['quantity'])}, {when}"


def _source(plan: Data, product: Data) -> str:
    supplier = product["supplier"]
    promised = (
        f"promised in {days(supplier['promised_lead_time_days'])}, calculated with {days(plan['lead_time_days'])}"
    )
    price = (
        "no price is known" if plan["unit_price"] is None else f"{money(plan['unit_price'], plan['currency'])} a unit"
    )
    return f"Supplier: {clean_text(supplier['name'], limit=80)}, {promised}; {price}."


def _rules(plan: Data, product: Data, unit: str) -> str:
    minimum, multiple = product["minimum_order_quantity"], product["order_multiple"]
    return (
        f"Reorder point {amount(plan['reorder_point'])}, safety stock {amount(plan['safety_stock'])} at "
        f"{percent(plan['service_level'])} service; minimum order {counted(minimum, unit)}, in multiples of "
        f"{amount(multiple)}."
    )


def _derivation(plan: Data) -> list[str]:
    return ["How it is calculated:", *(f"- {line}" for line in plan["derivation"])]


ASSUMED: dict[str, Callable[[float, Data], str]] = {
    "lead_time_days": lambda value, now: f"a lead time of {days(value)} (now {days(now['lead_time_days'])})",
    "days_late": lambda value, _: f"the supplier {days(value)} later",
    "demand_uplift": lambda value, _: f"demand at {percent(value)} of the present",
    "service_level": lambda value, now: f"{percent(value)} service (now {percent(now['service_level'])})",
    "review_period_days": lambda value, _: f"a review every {days(value)}",
    "on_hand": lambda value, now: f"{amount(value)} in stock (now {amount(now['on_hand'])})",
    "quantity": lambda value, _: f"an order of only {amount(value)}",
}


def what_if(now: Data, then: Data, product: Data, assumed: Data, *, why: bool) -> str:
    """The plan under the assumptions, beside the present one."""
    unit = product["unit"] or "units"
    ordered = _if_ordered(then.get("if_ordered"), unit)
    with_what = " and ".join(ASSUMED[name](value, now) for name, value in assumed.items())
    lines = [
        f"{now['product_id']} at {now['location']}, with {with_what}: {'' if ordered else _action(then, unit) + ' '}"
        f"(as things are: {_action(now, unit)}).",
        *ordered,
        *(
            _changed(label, label.lower().replace(" ", "_").replace("-", "_"), now, then)
            for label in CHANGING
            if assumed.keys() - {"quantity"}
        ),
        str(then["reason"]),
        "This is a what-if: it changes nothing and no order is based on it.",
    ]
    return "\n".join(filter(None, [*lines, *(_derivation(then) if why else [])]))


CHANGING = ("Reorder point", "Safety stock", "Order-up-to level")


def _changed(label: str, name: str, now: Data, then: Data) -> str:
    if now[name] == then[name]:
        return f"{label} {amount(now[name])}, unchanged."
    return f"{label} {amount(then[name])} instead of {amount(now[name])}."


def _if_ordered(told: Data | None, unit: str) -> list[str]:
    if not told:
        return []
    lasts = "" if told["days_it_lasts"] is None else f" lasts {days(round(told['days_it_lasts'], 1))}"
    missing = told["missing_to_reorder_point"]
    return [
        f"An order of {counted(told['quantity'], unit)}{lasts}; chance to last until the next delivery "
        f"{percent(told['chance_to_last_until_the_next_delivery'])}, confidence {told['confidence']:.2f}.",
        f"It leaves the position {amount(missing)} short of the reorder point." if missing else "",
        str(told["objection"] or told["why_unsure"] or ""),
    ]


def restock(product_id: str, location: str | None, run: Data) -> str:
    product = product_id if location is None else f"{product_id} at {location}"
    if run["status"] == "pending_review":
        proposal = "" if run["quantity"] is None else f" It proposes {amount(run['quantity'])}."
        return (
            f"{product}: a restocking run waits for review as {run['review_id'] or run['run_id']}.{proposal} A person "
            f"decides here: {run['review_url'] or 'GET /reviews'}"
        )
    return f"{product}: {_readable(run['status'])}. {run['reason'] or ''}".rstrip()


HEADS = {
    "to_order": "To be ordered",
    "runs_out": "First to run out, by stock on hand and mean demand",
    "too_much": "Too much stock, for over half a year beyond the lead time",
    "stock_value": "Stock on hand",
    "products": "Products by location",
    "late": "Late orders",
    "arrivals": "On order, by due day",
    "orders": "Orders",
    "reviews": "Reviews",
    "suppliers": "Suppliers",
    "changes": "What was done",
}
ROWS = ("groups", "products", "orders", "reviews", "suppliers", "changes")


_HEAD = re.compile(rf"^(?:{'|'.join(map(re.escape, HEADS.values()))})(?:, for ([^,:\n]+))?[,:]", re.MULTILINE)


def words_of(answer: str) -> str | None:
    """The words that a list was narrowed by; None if the answer is no list."""
    head = _HEAD.search(answer)
    return None if head is None else head[1] or ""


def listed(kind: str, found: Data, note: str) -> str:
    """Rows with the totals of all that fit."""
    name = next(name for name in ROWS if name in found)
    rows, asked = found[name], found.get("asked", {})
    kept = [("for", found.get("words")), ("since", found.get("since")), ("until", found.get("until"))]
    kept += [(_readable(each), asked[each]) for each in SCOPES if each in asked]
    kept += (
        [("status", asked.get("status", "pending" if kind == "reviews" else None))]
        if kind in ("reviews", "orders")
        else []
    )
    scope = "".join(
        f", {label} {amount(value) if isinstance(value, float) else value}" for label, value in kept if value
    )
    if not rows:
        return "\n".join(filter(None, (note, f"{HEADS[kind]}{scope}: none.")))
    totals = "; ".join(
        _figure(each, value)
        for each, value in found["totals"].items()
        if value and each not in IDLE_TOTALS.get(kind, ())
    )
    every = found.get("total", found["totals"].get(name, len(rows)))
    shown = f"The {len(rows)} that come first:" if len(rows) < every else ""
    shape = {"products": _product_row, "orders": _order_row}.get(name, _row)
    return "\n".join(
        filter(None, (note, f"{HEADS[kind]}{scope}: {totals}.", shown, *(f"- {shape(row)}" for row in rows)))
    )


SCOPES = ("days_left_at_most", "value_at_least", "placed_by", "decided_by", "by", "product_id")
IDLE_TOTALS = {"to_order": ("stock_value",), "stock_value": ("to_order", "value"), "too_much": ("to_order", "value")}


def _product_row(row: Data) -> str:
    if "on_hand" not in row:
        return f"{row['product_id']} ({row['location']}): {'; '.join(map(_open_order, row['open_orders']))}"
    action = {"purchase_order": "order", "transfer": "transfer"}.get(row["recommended_action"])
    worth = f", {money(row['order_value'], row['currency'])}" if action == "order" and "order_value" in row else ""
    left = row["days_until_stockout"]
    stock = f"{amount(row['on_hand'])} in stock" + ("" if left is None else f" for {days(left)}")
    held = f", worth {money(row['stock_value'], row['currency'])}" if "stock_value" in row else ""
    waits = f"; waits for review {row['review_id']}" if "review_id" in row else ""
    what = f"{action} {amount(row['order_quantity'])}{worth}" if action else "no order"
    what += f"; {stock}{held}, reorder point {amount(row['reorder_point'])}{waits}; {row['supplier']}"
    return f"{row['product_id']} ({row['location']}): {what}"


def _order_row(row: Data) -> str:
    worth = f", {money(row['value'], row['currency'])}" if "value" in row else ""
    late = f", {days(row['days_overdue'])} late" if "days_overdue" in row else ""
    return (
        f"{row['number']}: {amount(row['quantity'])} of {row['product_id']} ({row['location']}) from "
        f"{row.get('supplier', 'an unknown supplier')}"
        f"{worth}; placed {row.get('placed', 'on an unknown day')}, due {row['due']}{late}; {row['status']}, by "
        f"{row['placed_by']}"
    )


def _figure(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{_readable(name)} " + " + ".join(money(sum_, currency) for currency, sum_ in value.items())
    return f"{_readable(name)} {amount(value) if isinstance(value, int | float) else value}"


HIDDEN = frozenset(
    ("name", "category", "open_orders", "inventory_position", "currency", "on_order", "recommended_action")
)


def _row(row: Data) -> str:
    shown = {
        name: value
        for name, value in row.items()
        if (name not in HIDDEN or "products" in row) and value not in (None, "", {}, [])
    }
    return clean_text("; ".join(_figure(name, value) for name, value in shown.items()), limit=400)


def order(told: Data) -> str:
    return "\n".join(f"{_readable(name).capitalize()}: {value}" for name, value in told.items())


review = order


def _readable(code: str) -> str:
    return str(code).replace("_", " ")


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{clean_text(str(word), limit=40)}'" for word in list(words)[:5])
