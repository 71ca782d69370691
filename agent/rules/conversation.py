"""A chat without a provider: which tools a question needs, and once their answers are in, the words."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from agent.rules import answers
from agent.rules.intents import LISTS, TALK, Intent
from agent.rules.replies import Call, Reply
from agent.rules.resolution import Resolution, resolve
from agent.rules.searches import LIST_LIMIT, Results, search
from agent.rules.subjects import Row, Subject, match, match_category, match_place
from agent.rules.talk import REMEMBERED_TURNS, Inquiry, inquire
from agent.rules.transcript import ToolResult, read_turns

STEPS = 5
"""Model turns after which an answer is given with what there is."""
HIGHEST_SERVICE_LEVEL = 0.999
NOTE_LIMIT = 500
EXAMPLE = "PRODUCT_ID"

_DIRECTORY = search("", limit=LIST_LIMIT)
"""Shows which locations and categories there are."""
_STATUS = {"needs_list": "needs_order", "on_order_list": "on_order", "overdue_list": "overdue"}
_LIST_WORDS: dict[str, Callable[[Sequence[Row], int, str], str]] = {
    "needs_list": answers.needs_order,
    "on_order_list": answers.open_orders,
    "overdue_list": answers.overdue,
    "stockout_list": answers.stockouts,
    "overstock_list": answers.overstocked,
    "empty_list": answers.empty,
    "product_list": answers.products,
}
_LIST_FOR: dict[str, Intent] = {
    "advice": "needs_list",
    "on_order": "on_order_list",
    "runout": "stockout_list",
    "stock": "product_list",
    "about": "product_list",
}
_PRODUCT_WORDS: dict[str, Callable[[Row, Row], str]] = {
    "explain": answers.explanation,
    "parameters": answers.parameters,
    "on_order": answers.on_order,
    "runout": answers.run_out,
    "stock": answers.stock,
    "supplier": answers.supplier,
    "price": answers.price,
    "order_rules": answers.order_rules,
    "demand": answers.demand,
    "about": answers.overview,
}
_ORDER_NUMBER = re.compile(r"[A-Za-z]+-\d[\w-]*")
_AT_ONE_PLACE = ("advice", "runout", "on_order", "parameters")


def converse(messages: Sequence[BaseMessage], tools: frozenset[str], tool_choice: str | None) -> Reply:
    """The next step of a chat: the calls that are still missing, or the answer."""
    turns = read_turns(messages, last=REMEMBERED_TURNS)
    if not turns:
        return Reply(text=answers.WHICH_PRODUCT)
    reply = _respond(inquire(turns))
    if not reply.calls:
        return reply
    if tool_choice == "none" or turns[-1].replies >= STEPS:
        return Reply(text=answers.SHORTENED)
    if any(call.name not in tools for call in reply.calls):
        return Reply(text=answers.UNKNOWN.format(product=EXAMPLE))
    return reply


def _respond(inquiry: Inquiry) -> Reply:
    question = inquiry.question
    if question.intent in TALK:
        return Reply(text=_talk(inquiry))
    if question.intent in LISTS:
        return _list(inquiry, question.intent, question.mentions[0] if question.mentions else None, question.place)
    if question.references and not question.mentions:
        return _references(inquiry, question.references)
    if question.intent == "restock" and question.about_many:
        return Reply(text=answers.ONE_AT_A_TIME)
    if not inquiry.subjects and not question.mentions:
        return _without_product(inquiry)
    return _about_products(inquiry)


def _talk(inquiry: Inquiry) -> str:
    example = inquiry.focus.subjects[0].product_id if inquiry.focus.subjects else EXAMPLE
    words = {
        "greeting": answers.GREETING,
        "help": answers.HELP,
        "thanks": answers.THANKS,
        "refuse": answers.REFUSAL,
        "beyond": answers.BEYOND,
        "part_arrives": answers.NO_PART_WHAT_IF,
        "authority": answers.authority(inquiry.question.references),
    }
    text = words.get(inquiry.question.intent)
    return text.replace("{product}", example) if text else answers.UNKNOWN.format(product=example)


def _without_product(inquiry: Inquiry) -> Reply:
    """No product was named, now or before: answer for all of them where the question allows it."""
    intent = _LIST_FOR.get(inquiry.question.intent)
    if inquiry.question.assumptions:
        return Reply(text=answers.NO_CATALOGUE_WHAT_IF.format(product=EXAMPLE))
    if intent is None or (inquiry.question.refers_back and inquiry.question.place is None):
        return Reply(text=answers.WHICH_PRODUCT)
    return _list(inquiry, intent, None, inquiry.question.place)


def _references(inquiry: Inquiry, asked: Sequence[str]) -> Reply:
    """Open orders by their number."""
    if any(reference.startswith("RV-") for reference in asked):
        return Reply(text=answers.authority(asked))
    results = Results(inquiry.results)
    call = search(status="on_order", limit=LIST_LIMIT)
    found = results.of(call)
    if found is None:
        return Reply(calls=(call,))
    rows = [row for row in found.data.get("products", []) if _with_orders(row, asked)["open_orders"]]
    if not rows:
        return Reply(text=answers.no_order(asked))
    return Reply(text=answers.open_orders([_with_orders(row, asked) for row in rows], len(rows), ""))


def _with_orders(row: Row, references: Sequence[str]) -> Row:
    return {**row, "open_orders": [o for o in row["open_orders"] if str(o["reference"]).upper() in references]}


def _list(inquiry: Inquiry, intent: Intent, topic: str | None, place: str | None) -> Reply:
    """Products in one state, at one place or of one kind where that was asked."""
    if inquiry.question.assumptions:
        return Reply(text=answers.NO_CATALOGUE_WHAT_IF.format(product=EXAMPLE))
    call = search(topic or "", status=_STATUS.get(intent, "any"), limit=LIST_LIMIT)
    found = Results(inquiry.results).of(call)
    if found is None:
        return Reply(calls=(call,))
    if found.error:
        return Reply(text=answers.error(found.error))
    if place is not None:
        return _list_at(inquiry, intent, topic, place, found)
    if topic is not None and not found.data["products"]:
        return _list_of_none(inquiry, intent, topic)
    return Reply(text=_listed(intent, found, answers.scope(None, topic)))


def _listed(intent: Intent, found: ToolResult, scope: str) -> str:
    return _LIST_WORDS[intent](found.data["products"], int(found.data["total"]), scope)


def _list_of_none(inquiry: Inquiry, intent: Intent, topic: str) -> Reply:
    """Nothing of this kind is in this state: it may be a place after all, or not exist."""
    directory = Results(inquiry.results).of(_DIRECTORY)
    if directory is None:
        return Reply(calls=(_DIRECTORY,))
    meaning = match(topic, directory.data.get("products", []))
    if meaning.place is not None:
        return _list(inquiry, intent, None, topic)
    if not meaning.product_ids and meaning.category is None:
        return Reply(text=answers.no_product(topic))
    return Reply(text=_LIST_WORDS[intent]([], 0, answers.scope(None, topic)))


def _list_at(inquiry: Inquiry, intent: Intent, topic: str | None, place: str, everywhere: ToolResult) -> Reply:
    """A list for a location; what stands in a place's stead may also be a category ("what is low in metals?")."""
    results = Results(inquiry.results)
    directory = results.of(_DIRECTORY)
    if directory is None:
        return Reply(calls=(_DIRECTORY,))
    known: list[Row] = directory.data.get("products", [])
    locations = sorted({str(row["location"]) for row in known})
    location = match_place(place, locations)
    if location is None:
        return Reply(text=_list_of_kind(intent, place, everywhere, known, locations))
    if int(everywhere.data["total"]) <= LIST_LIMIT:
        here = [row for row in everywhere.data["products"] if row["location"] == location]
        return Reply(text=_LIST_WORDS[intent](here, len(here), answers.scope(location, topic)))
    call = search(topic or "", status=_STATUS.get(intent, "any"), location=location, limit=LIST_LIMIT)
    found = results.of(call)
    return Reply(text=_listed(intent, found, answers.scope(location, topic))) if found else Reply(calls=(call,))


def _list_of_kind(
    intent: Intent, words: str, everywhere: ToolResult, known: Sequence[Row], locations: Sequence[str]
) -> str:
    kind = match_category(words, known)
    if kind is None:
        return answers.no_place(words, locations)
    rows = [row for row in everywhere.data["products"] if row.get("category") == kind]
    return _LIST_WORDS[intent](rows, len(rows), answers.scope(None, kind))


def _about_products(inquiry: Inquiry) -> Reply:
    resolution = Resolution(subjects=inquiry.subjects) if inquiry.subjects else resolve(inquiry)
    if resolution.calls:
        return Reply(calls=resolution.calls)
    if resolution.listing is not None:
        intent = inquiry.focus.intent if inquiry.focus.intent in LISTS else _LIST_FOR.get(inquiry.question.intent)
        kind, place = resolution.listing
        return _list(inquiry, intent, kind, place) if intent else Reply(text=answers.WHICH_PRODUCT)
    if not resolution.subjects:
        return _unresolved(inquiry, resolution)
    reply = _answer(inquiry, resolution.subjects)
    notes = resolution.notes or _elsewhere(inquiry, resolution.subjects)
    return reply if reply.calls else Reply(text="\n".join([reply.text, *notes]))


def _elsewhere(inquiry: Inquiry, subjects: Sequence[Subject]) -> list[str]:
    if inquiry.question.intent not in _AT_ONE_PLACE or len(subjects) > 1 or subjects[0].location is not None:
        return []
    look_up = Results(inquiry.results).of(_base_calls(subjects[0])[0])
    text = answers.elsewhere(look_up.data) if look_up and look_up.data else ""
    return [text] if text else []


def _unresolved(inquiry: Inquiry, resolution: Resolution) -> Reply:
    text = "\n".join(resolution.notes)
    if resolution.asks:
        return Reply(text=text)
    numbers = [mention.upper() for mention in inquiry.question.mentions if _ORDER_NUMBER.fullmatch(mention)]
    if numbers and inquiry.question.intent in ("on_order", "about"):
        return _references(inquiry, numbers)
    bare = inquiry.question.intent == "about"
    return Reply(text=f"{text}\n{answers.UNKNOWN.format(product=EXAMPLE)}" if bare else text)


def _answer(inquiry: Inquiry, subjects: Sequence[Subject]) -> Reply:
    if inquiry.question.intent == "restock":
        return _restock(inquiry, subjects)
    level = inquiry.question.assumptions.service_level
    if level is not None and not 0 < level <= HIGHEST_SERVICE_LEVEL:
        return Reply(text=answers.SERVICE_LEVEL_BOUNDS)
    results = Results(inquiry.results)
    calls = [call for subject in subjects for call in _fact_calls(inquiry, subject, results)]
    missing = results.missing(calls)
    if missing:
        return Reply(calls=missing)
    if inquiry.question.intent == "compare" and all(not _error(results, subject) for subject in subjects):
        return Reply(text=answers.comparison([_facts(results, subject) for subject in subjects]))
    return Reply(text="\n\n".join(_words(inquiry, subject, results) for subject in subjects))


def _fact_calls(inquiry: Inquiry, subject: Subject, results: Results) -> list[Call]:
    """Lookup and calculation; with assumptions the calculation once more, as soon as they can be put in figures."""
    look_up, calculation = _base_calls(subject)
    assumptions = inquiry.question.assumptions
    if not assumptions:
        return [look_up, calculation]
    present = results.of(calculation)
    if assumptions.relative and (present is None or present.error):
        return [look_up, calculation]
    lead_time = present.data["lead_time_days"] if present and not present.error else None
    changed = Call("calculate_reorder", {**calculation.arguments, **assumptions.arguments(lead_time)})
    return [look_up, calculation, changed]


def _base_calls(subject: Subject) -> tuple[Call, Call]:
    arguments = _place(subject)
    return Call("get_product", arguments), Call("calculate_reorder", arguments)


def _place(subject: Subject) -> dict[str, Any]:
    """A tool's arguments for a product, with its location where one was named."""
    place = {} if subject.location is None else {"location": subject.location}
    return {"product_id": subject.product_id, **place}


def _facts(results: Results, subject: Subject) -> tuple[Row, Row]:
    """The plan and the product."""
    look_up, calculation = (results.of(call) for call in _base_calls(subject))
    return (calculation.data if calculation else {}), (look_up.data if look_up else {})


def _error(results: Results, subject: Subject) -> str | None:
    found = (results.of(call) for call in _base_calls(subject))
    return next((result.error for result in found if result and result.error), None)


def _words(inquiry: Inquiry, subject: Subject, results: Results) -> str:
    error = _error(results, subject)
    if error:
        return answers.error(error)
    question = inquiry.question
    plan, product = _facts(results, subject)
    if question.assumptions:
        changed = results.of(_fact_calls(inquiry, subject, results)[-1])
        if changed is None or changed.error:
            return answers.error(changed.error or "" if changed else "")
        return answers.what_if(plan, changed.data, product, why=question.wants_reason)
    if question.intent in _PRODUCT_WORDS:
        return _PRODUCT_WORDS[question.intent](plan, product)
    return answers.advice(plan, product, why=question.wants_reason)


def _restock(inquiry: Inquiry, subjects: Sequence[Subject]) -> Reply:
    """One restocking run per product named."""
    results = Results(inquiry.results)
    calls = [
        Call("request_restock", {**_place(subject), "note": inquiry.text.strip()[:NOTE_LIMIT]}) for subject in subjects
    ]
    missing = results.missing(calls)
    if missing:
        return Reply(calls=missing)
    return Reply(text="\n\n".join(_restocked(inquiry, call, results.of(call)) for call in calls))


def _restocked(inquiry: Inquiry, call: Call, run: ToolResult | None) -> str:
    if run is None or run.error:
        return answers.error(run.error or "" if run else "")
    asked = call.arguments
    return answers.restock(asked["product_id"], asked.get("location"), run.data, inquiry.question.quantity)
