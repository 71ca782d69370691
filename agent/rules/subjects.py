"""Which products, places or categories the words of a question mean, judged against what the tools have listed."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache
from typing import Any

Row = dict[str, Any]

CLOSE_WORD = 0.74
"""How alike two words must be for one to be a slip of the other: `stel` and `steel`, `aluminium` and `aluminum`."""
CLOSE_PLACE = 0.75
SUGGESTED = 0.6
QUERY_LIMIT = 200
WIDER_QUERIES = 6
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Subject:
    """One product that a question is about. Without a location, the product's usual one."""

    product_id: str
    location: str | None = None


@dataclass(frozen=True)
class Match:
    """What one mention means: product ids (several: it could be each of them), or a category, or a place."""

    mention: str
    product_ids: tuple[str, ...] = ()
    guessed: bool = False
    """Only close to the product's name, as with a slip of the pen."""
    category: str | None = None
    place: str | None = None


def search_words(mention: str) -> str:
    """The query for a mention: its words without punctuation and plural endings, which every way of writing shares.

    >>> search_words("steel-sheets"), search_words("STEEL_SHEETS")
    ('steel sheet', 'STEEL SHEET')
    """
    return " ".join(_singular(word) for word in _WORD.findall(mention))[:QUERY_LIMIT]


def wider_queries(mention: str) -> tuple[str, ...]:
    """Queries that a misspelt mention may still be found by: each word and the beginning of each.

    A single word may also be a place, which only a list of everything shows.
    """
    words = [_singular(word.lower()) for word in _WORD.findall(mention) if len(word) >= 3]
    if len(words) < 2:
        return (*(word[:3] for word in words), "")
    return tuple(dict.fromkeys([*words, *(word[:3] for word in words)]))[:WIDER_QUERIES]


def match(mention: str, rows: Sequence[Row]) -> Match:
    """The best meaning of a mention among listed products: id or name, words, a place, a category, a likeness."""
    products = {str(row["product_id"]): str(row.get("name", "")) for row in rows}
    exact = [i for i, name in products.items() if _bare(mention) in (_bare(i), _bare(name))]
    if exact:
        return Match(mention, tuple(exact))
    category = match_category(mention, rows)
    if category is not None and _words(category) == _words(mention):
        return Match(mention, category=category)
    place = match_place(mention, (str(row["location"]) for row in rows), close=1.0)
    if place is not None:
        return Match(mention, place=place)
    asked = _words(mention)
    if all(len(word) < 2 for word in asked):
        return Match(mention)
    worded = [i for i, name in products.items() if (asked <= _words(f"{i} {name}") or _words(i) <= asked)]
    if worded:
        return Match(mention, tuple(worded))
    if category is not None:
        return Match(mention, category=category)
    close = _closest(mention, products)
    return Match(mention, close, guessed=bool(close))


def near(mention: str, rows: Sequence[Row]) -> tuple[str, ...]:
    """Ids that somebody may have meant by a mention that fits none: to suggest, never to act on."""
    ids = {_bare(str(row["product_id"])): str(row["product_id"]) for row in rows}
    return tuple(ids[close] for close in get_close_matches(_bare(mention), ids, n=3, cutoff=SUGGESTED))


def match_place(place: str, locations: Iterable[str], *, close: float = CLOSE_PLACE) -> str | None:
    """The location that a place's words mean, if any: alike but for writing, part of its name, or close to it."""
    known = {_bare(location): location for location in locations}
    asked = _bare(place)
    if asked in known:
        return known[asked]
    partly = [location for location in known.values() if _words(place) and _words(place) <= _words(location)]
    if len(partly) == 1:
        return partly[0]
    near = get_close_matches(asked, known, n=1, cutoff=close) if close < 1 else []
    return known[near[0]] if near else None


def match_category(words: str, rows: Sequence[Row]) -> str | None:
    asked = _words(words)
    categories = dict.fromkeys(str(row.get("category", "")) for row in rows)
    return next((category for category in categories if asked and asked <= _words(category)), None)


def _closest(mention: str, products: dict[str, str]) -> tuple[str, ...]:
    """Products whose id or name is one slip away; several only where none is clearly the closest."""
    scores = {product_id: _likeness(mention, product_id, name) for product_id, name in products.items()}
    best = max(scores.values(), default=0.0)
    return tuple(i for i, score in scores.items() if score >= max(CLOSE_WORD, best - 0.02))


def _likeness(mention: str, product_id: str, name: str) -> float:
    asked = _words(mention)
    if not asked:
        return 0.0
    by_words = sum(_nearest(word, _words(f"{product_id} {name}")) for word in asked) / len(asked)
    weakest = min(_nearest(word, _words(f"{product_id} {name}")) for word in asked)
    whole = _ratio(_bare(mention), _bare(product_id))
    return max(by_words if weakest >= CLOSE_WORD else 0.0, whole if whole >= CLOSE_WORD else 0.0)


def _nearest(word: str, words: frozenset[str]) -> float:
    return max((_ratio(word, other) for other in words), default=0.0)


@lru_cache(maxsize=4096)
def _ratio(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if len(one) < 4 or one[0] != other[:1] or any(character.isdigit() for character in one + other):
        return 0.0
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(_singular(word) for word in _WORD.findall(text.lower()))


def _bare(text: str) -> str:
    return "".join(_WORD.findall(text.lower()))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word[-1] in "sS" and word[-2] not in "sS" else word
