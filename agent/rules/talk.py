"""What a question means in its conversation: follow-ups take over what earlier questions were about."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from agent.rules.assumptions import NOTHING_ASSUMED, Assumptions
from agent.rules.intents import LISTS, TALK, Intent, ProductIntent
from agent.rules.questions import Question, read_question
from agent.rules.subjects import Subject
from agent.rules.transcript import ToolResult, Turn

REMEMBERED_TURNS = 8
_ABOUT_ONE_PRODUCT = ("calculate_reorder", "get_product", "request_restock")
_PRODUCT: frozenset[str] = frozenset(get_args(ProductIntent))
_NOT_CARRIED = frozenset(("restock", "compare"))
_LISTED = re.compile(r"^- (?P<product_id>.+?) \((?P<location>[^()]+)\): ", re.MULTILINE)
_ASKED_BACK = re.compile(r'(?:Which product do you mean by ".*": |Did you mean )(?P<names>[^?]+)\?')
_BETWEEN = re.compile(r", | or ")


@dataclass(frozen=True)
class Focus:
    """What a conversation is about after a turn."""

    intent: Intent = "unknown"
    subjects: tuple[Subject, ...] = ()
    assumptions: Assumptions = NOTHING_ASSUMED
    listed: tuple[Subject, ...] = ()
    """What the last answer showed as a list, in its order."""
    asked_back: bool = False
    """The last answer asked which product was meant."""


@dataclass(frozen=True)
class Inquiry:
    """The present question with what it takes over, and the results that are in for it."""

    text: str
    question: Question
    subjects: tuple[Subject, ...] = ()
    """Taken over from earlier, where the question names no product itself."""
    results: tuple[ToolResult, ...] = ()
    focus: Focus = Focus()
    known: frozenset[str] = frozenset()
    """Ids of products that tools have named in this conversation."""


def inquire(turns: Sequence[Turn]) -> Inquiry:
    """The last turn's question, read in the light of those before it."""
    *earlier, present = turns
    focus = Focus()
    for turn in earlier:
        question, _ = _take_over(read_question(turn.question), focus)
        focus = _after(turn, question, focus)
    question, subjects = _take_over(read_question(present.question), focus)
    known = frozenset(product_id for turn in [*earlier, present] for product_id in _named_ids(turn.results))
    return Inquiry(present.question, question, subjects, present.results, focus, known)


def _take_over(question: Question, focus: Focus) -> tuple[Question, tuple[Subject, ...]]:
    """The question completed from the focus, and the products it is about where it names none."""
    if question.intent == "yes" and focus.asked_back and len(focus.listed) == 1:
        return _carried(question, focus), focus.listed
    if question.intent in TALK or (question.intent in LISTS and question.ordinal is None):
        return question, ()
    if question.ordinal is not None and -len(focus.listed) <= question.ordinal < len(focus.listed):
        return _carried(question, focus), (focus.listed[question.ordinal],)
    if question.mentions:
        return (_carried(question, focus) if question.refers_back or focus.asked_back else question), ()
    return _of_the_same(question, focus)


def _of_the_same(question: Question, focus: Focus) -> tuple[Question, tuple[Subject, ...]]:
    """A question without a product of its own, such as "why?" or "and with 99 %?"."""
    question = _carried(question, focus)
    if question.intent == "what_if" and question.adds and focus.intent == "what_if":
        question = replace(question, assumptions=question.assumptions.over(focus.assumptions))
    elif question.intent in ("advice", "explain") and focus.intent == "what_if":
        question = replace(question, intent="what_if", assumptions=focus.assumptions, wants_reason=True)
    if question.place and focus.subjects:
        return replace(question, mentions=tuple(subject.product_id for subject in focus.subjects)), ()
    return question, focus.subjects


def _carried(question: Question, focus: Focus) -> Question:
    """A question that asks nothing by itself ("what about X?") asks the same as before."""
    if question.intent not in ("about", "yes"):
        return question
    listed = focus.intent in LISTS and question.place is not None and not question.mentions
    asked = focus.intent in _PRODUCT and (focus.asked_back or focus.intent not in _NOT_CARRIED)
    if not (listed or asked):
        return replace(question, intent="about")
    assumptions = question.assumptions or focus.assumptions
    return replace(question, intent=focus.intent, assumptions=assumptions, wants_reason=focus.intent == "explain")


def _after(turn: Turn, question: Question, focus: Focus) -> Focus:
    asked_back = _ASKED_BACK.search(turn.answer)
    if asked_back:
        listed = tuple(Subject(name) for name in _BETWEEN.split(asked_back["names"]))
        return Focus(question.intent, (), question.assumptions, listed, asked_back=True)
    subjects = tuple(dict.fromkeys(_subjects(turn.results)))
    if subjects:
        return Focus(question.intent, subjects, question.assumptions)
    if question.intent not in LISTS:
        return focus
    listed = tuple(Subject(found["product_id"], found["location"]) for found in _LISTED.finditer(turn.answer))
    return Focus(question.intent, listed if len(listed) == 1 else (), listed=listed)


def _subjects(results: Iterable[ToolResult]) -> Iterable[Subject]:
    for result in results:
        product_id = result.arguments.get("product_id")
        if result.name in _ABOUT_ONE_PRODUCT and result.error is None and isinstance(product_id, str):
            yield Subject(product_id, result.arguments.get("location"))


def _named_ids(results: Iterable[ToolResult]) -> Iterable[str]:
    for result in results:
        rows: list[dict[str, Any]] = result.data.get("products", [result.data])
        yield from (str(row["product_id"]) for row in rows if "product_id" in row)
