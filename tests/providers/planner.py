"""A model that does its job: looks up and calculates, submits what was calculated; answers chats with one lookup."""

import json
import re
from typing import Any

from tests.providers.script import Answer, Call, Question


def planner(question: Question) -> Answer:
    if question.choice == "none" or not question.tools:
        return Answer("Nothing more to add.")
    if "submit_order" in question.tools:
        return _decide(question)
    return _converse(question)


def product_id(text: str) -> str:
    """The product named in <task>, or the first word in capitals."""
    task = re.search(r"<task>(.*?)</task>", text, re.DOTALL)
    if task:
        return str(json.loads(task[1])["product_id"])
    word = re.search(r"\b[A-Z][A-Z0-9_]{2,}\b", text)
    return word[0] if word else "STEEL_SHEETS"


def submission(question: Question, **changes: Any) -> Call:
    """A submit_order call for the calculation found in the results, with changes."""
    plan = next((result for name, result in question.results if name == "calculate_reorder"), {})
    found = plan if isinstance(plan, dict) else {}
    arguments = {
        "product_id": product_id(question.text),
        "action": found.get("recommended_action", "none"),
        "quantity": found.get("order_quantity", 0),
        "rationale": "As calculated.",
        "concerns": [],
        "confidence": 0.95,
    }
    return Call("submit_order", arguments | changes)


def lookups(question: Question) -> tuple[Call, ...]:
    arguments = {"product_id": product_id(question.text)}
    names = ("get_product", "calculate_reorder")
    return tuple(Call(name, arguments) for name in names if name in question.tools)


def _decide(question: Question) -> Answer:
    calculated = any(name == "calculate_reorder" for name, _ in question.results)
    if calculated or question.choice == "submit_order":
        return Answer(calls=(submission(question),))
    return Answer(calls=lookups(question))


def _converse(question: Question) -> Answer:
    if not question.results and "find_products" in question.tools:
        return Answer(calls=(Call("find_products", {"status": "needs_order", "limit": 5}),))
    found = next((result for name, result in question.results if name == "find_products"), {})
    total = found.get("total", 0) if isinstance(found, dict) else 0
    return Answer(f"{total} products need an order.")
