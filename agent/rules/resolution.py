"""From a question's words to products: search each mention, widen where nothing fits, ask back where it is unclear."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.rules import answers
from agent.rules.replies import Call
from agent.rules.searches import LIST_LIMIT, Results, search
from agent.rules.subjects import Match, Row, Subject, match, match_place, near, wider_queries
from agent.rules.talk import Inquiry

WIDENED_MENTIONS = 2
CANDIDATES = 6


@dataclass(frozen=True)
class Resolution:
    """The searches still to make, or the products meant, or why there are none."""

    calls: tuple[Call, ...] = ()
    subjects: tuple[Subject, ...] = ()
    listing: tuple[str | None, str | None] | None = None
    """A category and a place: the question is about a list after all."""
    notes: tuple[str, ...] = ()
    """What the planner must be told about how the words were taken."""
    asks: bool = False
    """The notes are a question back."""


def resolve(inquiry: Inquiry) -> Resolution:
    results = Results(inquiry.results)
    question = inquiry.question
    known = {} if question.place else {_plain(product_id): product_id for product_id in inquiry.known}
    searched = [mention for mention in question.mentions if _plain(mention) not in known]
    missing = results.missing(search(mention) for mention in searched)
    if missing:
        return Resolution(calls=missing)
    matches = [
        Match(mention, (known[_plain(mention)],)) if _plain(mention) in known else _searched(mention, results)
        for mention in question.mentions
    ]
    if not any(_means_something(meaning) for meaning in matches):
        widening = _widening(question.mentions)
        missing = results.missing(widening)
        if missing:
            return Resolution(calls=missing)
        rows = results.rows(widening)
        matches = [match(mention, rows) for mention in question.mentions]
    return _settled(inquiry, matches, results)


def _searched(mention: str, results: Results) -> Match:
    rows = results.rows([search(mention)])
    meaning = match(mention, rows)
    if _means_something(meaning) or not rows:
        return meaning
    found = tuple(dict.fromkeys(str(row["product_id"]) for row in rows))
    return Match(mention, found[:CANDIDATES], guessed=True)


def _widening(mentions: Sequence[str]) -> list[Call]:
    return [
        search(query, limit=LIST_LIMIT) for mention in mentions[:WIDENED_MENTIONS] for query in wider_queries(mention)
    ]


def _means_something(meaning: Match) -> bool:
    return bool(meaning.product_ids or meaning.category or meaning.place)


def _settled(inquiry: Inquiry, matches: Sequence[Match], results: Results) -> Resolution:
    named = [meaning for meaning in matches if meaning.product_ids]
    if not named:
        return _without_products(inquiry, matches, results)
    unclear = next((meaning for meaning in named if len(meaning.product_ids) > 1), None)
    if unclear is not None:
        return Resolution(notes=(answers.ambiguous(unclear.mention, unclear.product_ids),), asks=True)
    guesses = [meaning for meaning in named if meaning.guessed]
    if guesses and inquiry.question.intent == "restock":
        guess = guesses[0]
        return Resolution(notes=(answers.confirm_guess(guess.mention, guess.product_ids[0]),), asks=True)
    place = inquiry.question.place or next((meaning.place for meaning in matches if meaning.place), None)
    rows = results.rows(search(mention) for mention in inquiry.question.mentions)
    placed = [_placed(meaning.product_ids[0], place, rows) for meaning in named]
    notes = [note for _, note in placed if note]
    notes += [answers.taken_as(guess.mention, guess.product_ids) for guess in guesses]
    notes += [answers.no_product(meaning.mention) for meaning in matches if _worth_a_word(inquiry, meaning)]
    return Resolution(subjects=tuple(dict.fromkeys(subject for subject, _ in placed)), notes=tuple(notes))


def _placed(product_id: str, place: str | None, rows: Sequence[Row]) -> tuple[Subject, str]:
    """The product at the place asked for; at its usual one, with a word about it, where it is not kept there."""
    locations = list(dict.fromkeys(str(row["location"]) for row in rows if row["product_id"] == product_id))
    if place is None or not locations:
        return Subject(product_id), ""
    location = match_place(place, locations)
    if location is None:
        return Subject(product_id), answers.unknown_place(place, product_id, locations)
    return Subject(product_id, location), ""


def _worth_a_word(inquiry: Inquiry, meaning: Match) -> bool:
    """A word that fits nothing is usually just a word, unless it looks like an id or one of two to compare."""
    looks_like_id = "_" in meaning.mention or any(character.isdigit() for character in meaning.mention)
    return not _means_something(meaning) and (looks_like_id or inquiry.question.intent == "compare")


def _without_products(inquiry: Inquiry, matches: Sequence[Match], results: Results) -> Resolution:
    place = next((meaning.place for meaning in matches if meaning.place), None)
    category = next((meaning.mention for meaning in matches if meaning.category), None)
    if category is not None:
        return Resolution(listing=(category, inquiry.question.place or place))
    if place is not None and inquiry.focus.subjects:
        again = replace(inquiry.question, mentions=_ids(inquiry.focus.subjects), place=place)
        return resolve(replace(inquiry, question=again))
    if place is not None:
        return Resolution(listing=(None, place))
    mention = inquiry.question.mentions[0]
    suggestions = near(mention, results.rows(_widening(inquiry.question.mentions)))
    return Resolution(notes=(answers.no_product(mention, suggestions),), asks=bool(suggestions))


def _ids(subjects: Sequence[Subject]) -> tuple[str, ...]:
    return tuple(subject.product_id for subject in subjects)


def _plain(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())
