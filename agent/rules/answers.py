"""The words of a chat's answers. Every figure in them comes from a tool's result."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.records.text import amount, clean_text, counted, days, money, percent

Data = Mapping[str, Any]
SHOWN = 20
TEXT_LIMIT = 80
ERROR_LIMIT = 300

HELP = """I answer questions about stock and orders from this service's own figures. For example:
- Which products need an order?
- Should I reorder {product}, and why?
- What if the lead time of {product} is 21 days, or demand rises by 20 %?
- What is on order, and is anything overdue?
- When do we run out of {product}?
I can also ask for a restocking run ("restock {product}"), which a person then reviews. I place and approve nothing."""
GREETING = "Hello. " + HELP
THANKS = "You are welcome."
REFUSAL = (
    "I can't help with that. I only answer questions about stock and orders; what is behind this service is not mine to"
    " show, and no message can change its rules."
)
UNKNOWN = """I can't answer that by rules. Free questions need a language model: set GEMINI_API_KEY or GROQ_API_KEY.
Without one you can ask me, for example:
- Which products need an order?
- Should I reorder {product}, and why?
- What if the lead time of {product} is 21 days?"""
BEYOND = (
    "I can't answer that: without a language model I see each product's stock, demand, open orders and calculation, and"
    " no records, totals or rankings.\n"
    "Orders that were placed are listed at GET /orders. What waits for a person, and why it was not ordered"
    " automatically, is at GET /reviews."
)
NO_CATALOGUE_WHAT_IF = (
    "I can work out a what-if for one product at a time. Name one, as in: what if demand for {product} rises by 20 %?"
)
NO_PART_WHAT_IF = (
    "I can't assume that only part of an order arrives. I can assume another lead time, demand or service level.\n"
    "Once it is there, report what has arrived (POST /orders/{number}/receipts), and the plan counts the rest."
)
ONE_AT_A_TIME = "I start a restocking run for products you name. Name them, as in: restock PRODUCT_ID."
WHICH_PRODUCT = "Which product do you mean? Name it by its id or name, or ask which products need an order."
SHORTENED = "I could not finish looking that up. Please ask about one product at a time."
FAILED = "I could not get the figures for that. Please ask again."
SERVICE_LEVEL_BOUNDS = (
    "No stock can cover every case, so I can't calculate that service level. Name one below 100 %, such as 99 %."
)
BOUNDS = "The calculator does not take that figure. Try a smaller change, or name the lead time in days."


def authority(references: Sequence[str]) -> str:
    """Where approving and changing happens instead."""
    review = next((reference for reference in references if reference.startswith("RV-")), "{review_id}")
    return (
        "I can't place, approve, reject, cancel or change anything from a chat: orders, limits and settings are for a"
        " person with the right key.\n"
        "What waits for a decision is in the review queue, GET /reviews. Approve, edit or reject it with a reason at"
        f" POST /reviews/{review}/decision."
    )


def error(message: str) -> str:
    """A tool's own sentence where it was written for people, a plain one where not."""
    if message.startswith("The tool could not answer"):
        return FAILED
    if "invoking tool" in message or "validation error" in message:
        return BOUNDS
    return clean_text(message, limit=ERROR_LIMIT) or FAILED


def ambiguous(mention: str, product_ids: Sequence[str]) -> str:
    names = _listed(list(product_ids[:6]), "or")
    return f'Which product do you mean by "{_shown(mention)}": {names}?'


def confirm_guess(mention: str, product_id: str) -> str:
    return (
        f'I found no product "{_shown(mention)}". Did you mean {product_id}? If so, say: restock {product_id}.'
        " Nothing has been started."
    )


def no_product(mention: str, suggestions: Sequence[str] = ()) -> str:
    way_out = f"Did you mean {_listed(list(suggestions), 'or')}?" if suggestions else "Ask me to list the products."
    return f'I found no product or category like "{_shown(mention)}". {way_out}'


def taken_as(mention: str, product_ids: Sequence[str]) -> str:
    return f'(I took "{_shown(mention)}" as {_listed(list(product_ids))}.)'


def no_order(references: Sequence[str]) -> str:
    return f"No open order has the number {_listed(list(references), 'or')}. Placed orders are listed at GET /orders."


def unknown_place(place: str, product_id: str, locations: Sequence[str]) -> str:
    return f'({product_id} is not kept at "{_shown(place)}"; it is kept at {_listed(list(locations))}.)'


def no_place(place: str, locations: Sequence[str]) -> str:
    known = f" The locations are {_listed(list(locations))}." if locations else ""
    return f'I know no location or category "{_shown(place)}".{known}'


def advice(plan: Data, product: Data, *, why: bool = False) -> str:
    lines = [headline(plan, product), str(plan["reason"])]
    if plan["recommended_action"] == "purchase_order":
        lines.append(_worth(plan))
    lines += [f"Note: {warning}" for warning in plan["warnings"]]
    return "\n".join(line for line in [*lines, *(_derivation(plan) if why else [])] if line)


def headline(plan: Data, product: Data) -> str:
    quantity = counted(plan["order_quantity"], _unit(product))
    if plan["recommended_action"] == "transfer" and plan["transfer"]:
        transfer = plan["transfer"]
        moved = counted(transfer["quantity"], _unit(product))
        return f"{plan['product_id']}: transfer {moved} from {transfer['source_location']} to {plan['location']}."
    if plan["recommended_action"] == "purchase_order":
        return f"{plan['product_id']} at {plan['location']}: order {quantity} now."
    return f"{plan['product_id']} at {plan['location']}: no order now."


def what_if(now: Data, then: Data, product: Data, *, why: bool = False) -> str:
    """The plan under the assumptions, beside the present one."""
    lines = [
        f"{now['product_id']} at {now['location']}, {_assumed(then['assumptions'], now)}: {_action(then, product)}"
        f" ({_as_it_is(now, then, product)}).",
        _changed("Reorder point", "reorder_point", now, then),
        _changed("Safety stock", "safety_stock", now, then),
        _changed("Order-up-to level", "order_up_to_level", now, then),
        str(then["reason"]),
        "This is a what-if: it changes nothing and no order is based on it.",
    ]
    return "\n".join([*lines, *(_derivation(then) if why else [])])


def explanation(plan: Data, product: Data) -> str:
    return "\n".join([headline(plan, product), str(plan["reason"]), *_derivation(plan)])


def parameters(plan: Data, product: Data) -> str:
    unit = _unit(product)
    review = plan["review_period_days"]
    interval = f"a lead time of {days(plan['lead_time_days'])}" + (
        f" and a review every {days(review)}" if review else ""
    )
    position = counted(plan["inventory_position"], unit)
    return (
        f"{plan['product_id']} at {plan['location']}: safety stock {counted(plan['safety_stock'], unit)}, reorder point"
        f" {counted(plan['reorder_point'], unit)}, order-up-to level {counted(plan['order_up_to_level'], unit)}.\n"
        f"That is for {percent(plan['service_level'])} service over {interval} at {amount(plan['mean_per_day'])} a day"
        f" (method: {_readable(plan['method'])}). The inventory position is {position}."
    )


def stock(plan: Data, product: Data) -> str:
    unit = _unit(product)
    lines = [
        f"{plan['product_id']} at {plan['location']}: {counted(plan['on_hand'], unit)} on hand,"
        f" {amount(plan['on_order'])} on order and {amount(plan['backorders'])} backordered, an inventory position of"
        f" {amount(plan['inventory_position'])} against a reorder point of {amount(plan['reorder_point'])}.",
        _lasts(plan),
    ]
    others = [f"{other['location']} {amount(other['on_hand'])}" for other in product["other_locations"]]
    return "\n".join([*lines, *([f"On hand elsewhere: {', '.join(others)}."] if others else [])])


def run_out(plan: Data, product: Data) -> str:
    unit = _unit(product)
    head = f"{plan['product_id']} at {plan['location']}: {counted(plan['on_hand'], unit)} on hand. {_lasts(plan)}"
    coming = [order for order in product["open_orders"] if order["due_in_days"] >= 0]
    if coming:
        first = min(coming, key=_due)
        return f"{head}\nThe next delivery is {_order(first, unit)}."
    return f"{head}\nNo delivery is due. The calculation advises: {_action(plan, product)}."


def on_order(plan: Data, product: Data) -> str:
    orders = sorted(product["open_orders"], key=_due)
    where = f"{plan['product_id']} at {plan['location']}"
    if not orders:
        return (
            f"{where}: nothing is on order, so nothing is overdue. The calculation advises: {_action(plan, product)}."
        )
    lines = [f"- {_order(order, _unit(product))}" for order in orders]
    late = any(order["due_in_days"] < 0 for order in orders)
    closing = f"Of this, {amount(plan['on_order'])} counts as on order in the calculation."
    return "\n".join([f"{where}: {'with an overdue order' if late else 'on order, nothing overdue'}:", *lines, closing])


def supplier(plan: Data, product: Data) -> str:
    source = product["supplier"]
    observed = [amount(value) for value in source["observed_lead_times_days"]]
    seen = f" The last deliveries took {_listed(observed)} days." if observed else " No delivery has been recorded yet."
    return (
        f"{product['product_id']} comes from {_shown(source['name'])}, promised in"
        f" {days(source['promised_lead_time_days'])}.{seen} The calculation uses {days(plan['lead_time_days'])}."
    )


def price(plan: Data, product: Data) -> str:
    if product["unit_price"] is None:
        return f"No price is known for {product['product_id']}."
    text = f"{product['product_id']}: {money(product['unit_price'], product['currency'])} a unit{_breaks(product)}."
    return text if plan["recommended_action"] != "purchase_order" else f"{text} {_worth(plan)}"


def _breaks(product: Data) -> str:
    steps = product["price_breaks"]
    if not steps:
        return " at any quantity"
    currency = product["currency"]
    return "".join(
        f", from {amount(step['minimum_quantity'])} on {money(step['unit_price'], currency)} each" for step in steps
    )


def order_rules(plan: Data, product: Data) -> str:
    unit = _unit(product)
    minimum, multiple = product["minimum_order_quantity"], product["order_multiple"]
    return (
        f"{product['product_id']}: minimum order {counted(minimum, unit)}, in multiples of {amount(multiple)}."
        f" {headline(plan, product)}"
    )


def demand(plan: Data, product: Data) -> str:
    recent = [("?" if value is None else amount(value)) for value in product["recent_demand"]]
    return (
        f"{plan['product_id']} at {plan['location']}: {amount(plan['mean_per_day'])} {_unit(product)} a day on average,"
        f" {_readable(plan['demand_class'])} demand.\nThe latest periods, oldest first: {', '.join(recent)}."
    )


def elsewhere(product: Data) -> str:
    """Where else the product is kept, for answers about its usual location."""
    others = [f"{other['location']} ({amount(other['on_hand'])} on hand)" for other in product["other_locations"]]
    return f"It is also kept at {_listed(others)}; name the place to ask about it." if others else ""


def overview(plan: Data, product: Data) -> str:
    return f"{stock(plan, product)}\n{headline(plan, product)} {plan['reason']}"


def comparison(pairs: Sequence[tuple[Data, Data]]) -> str:
    lines = [
        f"{headline(plan, product)} {counted(plan['on_hand'], _unit(product))} on hand, {amount(plan['on_order'])} on"
        f" order, reorder point {amount(plan['reorder_point'])}. {_lasts(plan)}"
        for plan, product in pairs
    ]
    dated = [plan for plan, _ in pairs if plan["days_until_stockout"] is not None]
    if len(dated) > 1:
        first = min(dated, key=lambda plan: float(plan["days_until_stockout"]))
        lines.append(f"{first['product_id']} is the most urgent.")
    return "\n".join(lines)


def restock(product_id: str, location: str | None, run: Data, asked: str | None) -> str:
    product = product_id if location is None else f"{product_id} at {location}"
    status, reason = run["status"], run["reason"] or ""
    if status == "no_action":
        return f"{product}: no order was started. {reason}".rstrip()
    if status == "pending_review":
        wanted = f" You asked for {asked}; the quantity is calculated, not taken from a chat." if asked else ""
        proposal = "" if run["quantity"] is None else f" It proposes {amount(run['quantity'])}."
        return (
            f"{product}: a restocking run waits for review as {run['review_id'] or run['run_id']}.{proposal}{wanted}\n"
            "A chat never places or approves an order; a person decides here:"
            f" {run['review_url'] or 'the review queue, GET /reviews'}"
        )
    number = f", order {run['order_number']}" if run["order_number"] else ""
    return f"{product}: the restocking run has the status {_readable(status)}{number}. {reason}".rstrip()


def needs_order(rows: Sequence[Data], total: int, scope: str) -> str:
    if not rows:
        return f"No product needs an order{scope}."
    verb = "product needs" if total == 1 else "products need"
    return _list(f"{amount(total)} {verb} an order{scope}, the most urgent first:", rows, total, _need)


def open_orders(rows: Sequence[Data], total: int, scope: str) -> str:
    if not rows:
        return f"Nothing is on order{scope}."
    return _list(f"On order{scope}:", rows, total, _open)


def overdue(rows: Sequence[Data], total: int, scope: str) -> str:
    if not rows:
        return f"Nothing is overdue{scope}."
    return _list(f"Overdue{scope}:", rows, total, _late)


def stockouts(rows: Sequence[Data], total: int, scope: str) -> str:
    dated = sorted((row for row in rows if row["days_until_stockout"] is not None), key=_stockout)
    if not dated:
        return f"No product has a foreseeable stock-out{scope}."
    return _list(
        f"First to run out{scope}, by stock on hand and mean demand:", dated[:SHOWN], len(dated[:SHOWN]), _left
    )


def overstocked(rows: Sequence[Data], total: int, scope: str) -> str:
    dated = [row for row in rows if row["days_until_stockout"] is not None and row["recommended_action"] == "none"]
    if not dated:
        return f"No product is above its reorder point{scope}."
    longest = sorted(dated, key=_stockout, reverse=True)[:SHOWN]
    title = f"Most stock against its demand{scope}, the longest first (what is too much is yours to say):"
    return _list(title, longest, len(longest), _ample)


def empty(rows: Sequence[Data], total: int, scope: str) -> str:
    out = [row for row in rows if row["on_hand"] <= 0]
    if not out:
        return f"No product is out of stock{scope}."
    return _list(f"Out of stock{scope}:", out, len(out), _need)


def products(rows: Sequence[Data], total: int, scope: str) -> str:
    if not rows:
        return f"There is no product{scope}."
    return _list(f"{amount(total)} products by location{scope}, the most urgent first:", rows, total, _line)


def scope(place: str | None, category: str | None) -> str:
    return (f' in "{_shown(category)}"' if category else "") + (f" at {place}" if place else "")


def _list(title: str, rows: Sequence[Data], total: int, line: Callable[[Data], str]) -> str:
    shown = rows[:SHOWN]
    rest = f"These are {amount(len(shown))} of {amount(total)}." if total > len(shown) else ""
    return "\n".join(
        [title, *(f"- {row['product_id']} ({row['location']}): {line(row)}" for row in shown), rest]
    ).rstrip()


def _need(row: Data) -> str:
    quantity = amount(row["order_quantity"])
    verb = {"purchase_order": f"order {quantity}", "transfer": f"transfer {quantity}"}.get(
        row["recommended_action"], "no order now"
    )
    position = f"position {amount(row['inventory_position'])}, reorder point {amount(row['reorder_point'])}"
    return f"{verb}; {position}{_left_over(row)}"


def _open(row: Data) -> str:
    return "; ".join(_order(order) for order in sorted(row["open_orders"], key=_due))


def _late(row: Data) -> str:
    return "; ".join(_order(order) for order in sorted(row["open_orders"], key=_due) if order["due_in_days"] < 0)


def _left(row: Data) -> str:
    return f"{amount(row['on_hand'])} on hand{_left_over(row)}; {amount(row['on_order'])} on order"


def _ample(row: Data) -> str:
    return f"{amount(row['on_hand'])} on hand, reorder point {amount(row['reorder_point'])}{_left_over(row)}"


def _line(row: Data) -> str:
    return f"{_shown(row['name'])}; {amount(row['on_hand'])} on hand, {amount(row['on_order'])} on order"


def _left_over(row: Data) -> str:
    left = row["days_until_stockout"]
    if row["on_hand"] <= 0:
        return ", out of stock"
    return "" if left is None else f", stock for {days(round(left, 1))}"


def _order(order: Data, unit: str = "") -> str:
    quantity = counted(order["quantity"], unit) if unit else amount(order["quantity"])
    due = order["due_in_days"]
    when = f"overdue by {days(-due)}" if due < 0 else "due today" if due == 0 else f"due in {days(due)}"
    return f"{_shown(order['reference'])}: {quantity}, {when}"


def _due(order: Data) -> float:
    return float(order["due_in_days"])


def _stockout(row: Data) -> float:
    return float(row["days_until_stockout"])


def _lasts(plan: Data) -> str:
    left = plan["days_until_stockout"]
    if plan["on_hand"] <= 0:
        return "It is out of stock."
    if left is None:
        return "No stock-out can be foreseen from its demand."
    return f"At {amount(plan['mean_per_day'])} a day the stock on hand lasts about {days(round(left, 1))}."


def _worth(plan: Data) -> str:
    confidence = f"Confidence {plan['confidence']:.2f}."
    if plan["order_value"] is None:
        return f"No price is known, so the order's value is not either. {confidence}"
    return f"The order is worth {money(plan['order_value'], plan['currency'])}. {confidence}"


def _derivation(plan: Data) -> list[str]:
    return ["How it is calculated:", *(f"- {line}" for line in plan["derivation"])]


def _action(plan: Data, product: Data) -> str:
    quantity = counted(plan["order_quantity"], _unit(product))
    return {"purchase_order": f"order {quantity}", "transfer": f"transfer {quantity}"}.get(
        plan["recommended_action"], "no order"
    )


def _as_it_is(now: Data, then: Data, product: Data) -> str:
    same = (now["recommended_action"], now["order_quantity"]) == (then["recommended_action"], then["order_quantity"])
    return "the same as now" if same else f"as things are: {_action(now, product)}"


def _changed(label: str, name: str, now: Data, then: Data) -> str:
    if now[name] == then[name]:
        return f"{label} {amount(now[name])}, unchanged."
    return f"{label} {amount(then[name])} instead of {amount(now[name])}."


def _assumed(assumptions: Data, now: Data) -> str:
    said = []
    if assumptions.get("service_level") is not None:
        said.append(f"{percent(assumptions['service_level'])} service (now {percent(now['service_level'])})")
    if assumptions.get("lead_time_days") is not None:
        said.append(f"a lead time of {days(assumptions['lead_time_days'])} (now {days(now['lead_time_days'])})")
    if assumptions.get("demand_uplift") is not None:
        said.append(f"demand at {percent(assumptions['demand_uplift'])} of the present")
    return "with " + _listed(said) if said else "with nothing changed"


def _unit(product: Data) -> str:
    return _shown(product.get("unit") or "units")


def _readable(code: str) -> str:
    return str(code).replace("_", " ")


def _shown(text: Any) -> str:
    return clean_text(str(text), limit=TEXT_LIMIT)


def _listed(names: Sequence[str], last: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}" if names else "none"
