"""What a planner's question asks, by its words alone. Nothing here knows the catalogue."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from agent.rules.assumptions import NOTHING_ASSUMED, Assumptions, read_assumptions
from agent.rules.intents import (
    ADDS,
    ASKING,
    ASSUMED,
    ATTACK,
    AUTHORITY,
    BEYOND,
    CHANGE,
    FOLLOW_UP,
    GENERIC,
    GO_AHEAD,
    GREETING,
    HELP,
    KIND_AFTER,
    KIND_BEFORE,
    LIST_INTENTS,
    LIST_LEAD,
    LIST_OPENING,
    ORDINAL,
    ORDINALS,
    PRODUCT_INTENTS,
    PRONOUN,
    QUANTITY,
    REASON,
    RESTOCK,
    THANKS,
    YES,
    Intent,
    TalkIntent,
)
from agent.rules.mentions import REFERENCE, Mention, barred, mentions, normalised

QUESTIONS = (
    "What should I order today?",
    "Which 5 products should I order first, by value?",
    "What is to be ordered, by supplier?",
    "Which orders are late?",
    "What waits for review?",
    "Which orders were placed this week?",
    "What changed since yesterday?",
    "What runs out first?",
    "Of what do we have too much stock?",
    "Which suppliers do we have?",
)
"""Questions that the rules answer as they stand."""
QUESTIONS_WITH_SLOTS = (
    "Why this quantity of {product}?",
    "What if the lead time of {product} is 21 days?",
    "What if demand for {product} rises by 20 %?",
    "What if I order only 600 of {product}?",
    "What should I order from {supplier}?",
    "What runs out within 3 days in {location}?",
    "Where is order {number}?",
    "Restock {product}",
)
"""Questions that the rules answer once a name is put in."""
MENTION_LIMIT = 5
_BARE_WORDS = 6
_EITHER = re.compile(r"\bor\b")
_WHEN = re.compile(
    r"\b(?:until|till|before|once|by the time|as soon as)\s+(?:(?:the|my|our|new|next) )*$", re.IGNORECASE
)
_JOINED = re.compile(r"(?:\b(?:and|or|vs\.?|versus|with|than)\s+(?:the )?|[,&/]\s*)$", re.IGNORECASE)
_PART_ARRIVES = re.compile(
    r"\b(?:only|just|merely|half|part|some|\d+)\b[^.?!]*\b(?:of|from)\b[^.?!]*\b(?:arriv|deliver|come|came|turn up)"
    r"|\b(?:arriv|deliver|come)\w*\s+(?:\w+\s+){0,2}(?:only|just)?\s*(?:in part|partly|partially|incomplete)",
    re.IGNORECASE,
)
_AnyIntent = TypeVar("_AnyIntent", bound=str)


@dataclass(frozen=True)
class Question:
    """A question's intent and slots."""

    intent: Intent
    mentions: tuple[str, ...] = ()
    """What may name products or a category, as typed, in the order of the text."""
    place: str | None = None
    """What may name a location, as typed."""
    assumptions: Assumptions = NOTHING_ASSUMED
    wants_reason: bool = False
    refers_back: bool = False
    """Leans on what was asked before: a pronoun, or the opening of a follow-up."""
    about_many: bool = False
    """Speaks of products in general: everything, all of them."""
    adds: bool = False
    """Begins with "and": earlier assumptions stay."""
    ordinal: int | None = None
    """Position in the list shown before; -1 is the last."""
    references: tuple[str, ...] = ()
    """Order and review numbers."""
    quantity: str | None = None
    """How many units were asked to be ordered."""


@lru_cache(maxsize=512)
def read_question(text: str) -> Question:
    """Intent and slots of one question; never fails, at worst `unknown`."""
    spoken = _Spoken(text)
    talk = _talk(spoken)
    if talk is not None:
        return Question(talk, references=spoken.references)
    return Question(
        intent=_stock_intent(spoken),
        mentions=tuple(dict.fromkeys(mention.text for mention in spoken.products))[:MENTION_LIMIT],
        place=spoken.place,
        assumptions=spoken.assumptions,
        wants_reason=bool(REASON.search(spoken.plain)),
        refers_back=bool(PRONOUN.search(spoken.plain) or FOLLOW_UP.search(spoken.plain)),
        about_many=bool(GENERIC.search(spoken.plain)) and not spoken.products,
        adds=bool(ADDS.search(spoken.plain)),
        ordinal=spoken.ordinal,
        references=spoken.references,
        quantity=spoken.quantity,
    )


class _Spoken:
    """One question's text, taken apart."""

    def __init__(self, text: str) -> None:
        text = normalised(text)
        reading = read_assumptions(text)
        barred_text = barred(text, reading.spans)
        named = tuple(mentions(barred_text))
        self.plain = text.lower()
        self.bare = barred_text.lower()
        self.assumptions = reading.assumptions
        self.references = tuple(found.group().upper() for found in REFERENCE.finditer(text))
        self.place = next((mention.text for mention in named if mention.role == "place"), None)
        products = tuple(mention for mention in named if mention.role == "product")
        products = _meant(products, barred_text)
        self.products: tuple[Mention, ...] = products or tuple(m for m in named if m.role == "source")

    @property
    def ordinal(self) -> int | None:
        found = ORDINAL.search(self.plain)
        if found is None:
            return None
        word = found["place"]
        return -1 if word == "last" else ORDINALS.index(word) if word in ORDINALS else 0

    @property
    def quantity(self) -> str | None:
        found = QUANTITY.search(self.plain)
        return found["quantity"] if found else None


def _meant(named: tuple[Mention, ...], text: str) -> tuple[Mention, ...]:
    """Without what only tells until when, as in "until the helmets arrive". Beside an id that is written out, other
    words count only where they are joined to it by a word such as "and"."""
    named = tuple(one for one in named if not _WHEN.search(text[: one.start])) or named
    if not any(one.is_written_out for one in named):
        return named
    return tuple(one for one in named if one.is_written_out or _JOINED.search(text[: one.start]))


def _talk(spoken: _Spoken) -> TalkIntent | None:
    plain = spoken.plain
    if ATTACK.search(plain):
        return "refuse"
    changes = CHANGE.search(plain) and not RESTOCK.search(plain) and not ASKING.search(plain)
    if changes or AUTHORITY.search(plain):
        return "authority"
    if _PART_ARRIVES.search(plain) and ASSUMED.search(plain):
        return "part_arrives"
    if BEYOND.search(plain) and not spoken.assumptions:
        return "beyond"
    if GREETING.search(plain):
        return "greeting"
    if YES.search(plain):
        return "yes"
    if THANKS.search(plain):
        return "thanks"
    return "help" if HELP.search(plain) and not spoken.products else None


def _stock_intent(spoken: _Spoken) -> Intent:
    plain = spoken.plain
    if GO_AHEAD.search(plain) or (RESTOCK.search(plain) and not ASKING.search(plain)):
        return "restock"
    listed = _first(LIST_INTENTS, spoken.bare)
    if listed and _about_many(spoken):
        return listed
    if spoken.assumptions:
        return "what_if"
    asked = _first(PRODUCT_INTENTS, plain)
    if len(spoken.products) > 1 and asked in ("advice", "stock", "runout") and _EITHER.search(plain):
        return "compare"
    if asked:
        return asked
    bare = len(spoken.products) == 1 and len(spoken.products[0].text.split()) <= _BARE_WORDS
    bare = bare or any(mention.looks_like_id for mention in spoken.products)
    named = bare or spoken.ordinal is not None or spoken.references or (spoken.place and not spoken.products)
    return "about" if named else "unknown"


def _first(patterns: Sequence[tuple[_AnyIntent, re.Pattern[str]]], text: str) -> _AnyIntent | None:
    return next((intent for intent, pattern in patterns if pattern.search(text)), None)


def _about_many(spoken: _Spoken) -> bool:
    """Whether a listable question is about many products: none named, or a kind of products."""
    plain = spoken.plain
    if not spoken.products:
        pronoun = PRONOUN.search(plain) and not GENERIC.search(plain)
        return not pronoun and bool(GENERIC.search(plain) or LIST_OPENING.search(plain))
    if any(mention.looks_like_id for mention in spoken.products):
        return False
    return any(
        LIST_LEAD.search(plain[: mention.start])
        or KIND_AFTER.search(plain[mention.end :])
        or KIND_BEFORE.search(plain[: mention.start])
        for mention in spoken.products
    )
