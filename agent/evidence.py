"""Which figures, days, ids and products of an answer nothing that was looked up holds.

Evidence is what tools have answered and what the person has said. A figure may be written otherwise or rounded, and may
count rows. What a model has worked out by itself is not held: tools do the arithmetic. A figure is looked for anywhere
in the evidence, not only in the field that it is said to be. A name of ordinary words is noticed only if the catalogue
has it.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agent.figures import Claims, Day, Figure, Reading, spaced, words_in

HEDGED_SHARE = 0.05
"""How far "about 1,100" may be from the figure that is meant."""
MOST_MARKED = 20
_SLACK = 1e-12


@dataclass(frozen=True)
class Evidence:
    """What an answer may be made of. Its figures are sorted."""

    words: frozenset[str]
    phrases: str
    figures: Sequence[float]
    days: frozenset[Day]

    @classmethod
    def of(cls, results: Iterable[str], said: Iterable[str], counts: Iterable[int] = ()) -> "Evidence":
        """From results of tools as JSON, words of people, and how often something was done."""
        results, said = list(dict.fromkeys(results)), list(said)
        text = "\n".join((*results, *said))
        looked_up = [parsed(result) for result in results]
        strings = (each for value in looked_up for each in _strings(value))
        claims = Claims.of("\n".join((*strings, *said)))
        days = {day for _, meant in claims.days for day in meant}
        figures = {value for figure in claims.figures for value, _ in figure.readings}
        figures.update(*map(_numbers, looked_up), map(float, counts), (float(year) for year, _, _ in days))
        return cls(
            words=frozenset(map(str.casefold, words_in(text))),
            phrases=spaced(text),
            figures=sorted(figures),
            days=frozenset(days | {(0, month, day) for _, month, day in days}),
        )

    def has_day(self, day: Day) -> bool:
        return day in self.days

    def has_phrase(self, text: str) -> bool:
        return spaced(text) in self.phrases

    def has_figure(self, figure: Figure) -> bool:
        if figure.currencies and self.words.isdisjoint(figure.currencies):
            return False
        return figure.word.casefold() in self.words or any(
            self._is_near(reading, hedged=figure.is_hedged) for reading in figure.readings
        )

    def _is_near(self, reading: Reading, *, hedged: bool) -> bool:
        """Whether a figure is within what the writing leaves open: 6.94 may be written as 6.9 or as 7."""
        value, step = reading
        reach = max(step / 2, HEDGED_SHARE * value * hedged) + _SLACK * max(1_000.0, value)
        nearest = bisect_left(self.figures, value - reach)
        return nearest < len(self.figures) and self.figures[nearest] <= value + reach


def unverified(answer: str, evidence: Evidence, products: Iterable[tuple[str, str]] = ()) -> tuple[str, ...]:
    """What of the answer the evidence does not hold, as it is written there, at most 20. `products` are the catalogue's
    ids and names, by which a product is known in the answer."""
    claims = Claims.of(answer)
    missing = [name for name in _named(answer, products) if not evidence.has_phrase(name)]
    missing += [phrase for phrase in claims.phrases if not evidence.has_phrase(phrase)]
    missing += [written for written, meant in claims.days if not any(map(evidence.has_day, meant))]
    missing += [code for code in claims.codes if code.casefold() not in evidence.words]
    missing += [figure.written for figure in claims.figures if not evidence.has_figure(figure)]
    text = answer.casefold()
    return tuple(sorted(dict.fromkeys(missing), key=lambda each: text.find(each.casefold())))[:MOST_MARKED]


def _named(answer: str, products: Iterable[tuple[str, str]]) -> list[str]:
    """Products of the catalogue that the answer speaks of: by a name of several words, or by an id in capitals."""
    text, words = spaced(answer), words_in(answer)
    found = []
    for identity, name in products:
        if len(name.split()) > 1 and spaced(name) in text:
            found.append(name)
        elif identity.isupper() and identity in words:
            found.append(identity)
    return found


def parsed(result: str) -> Any:
    """What a tool has answered: JSON, or words that stay as they are."""
    try:
        return json.loads(result)
    except ValueError:
        return result


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    for each in _parts(value):
        yield from _strings(each)


def _numbers(value: Any) -> Iterable[float]:
    """The numbers of a result, and how many rows it has, also of each kind."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield abs(float(value))
    if isinstance(value, list):
        yield from _counts(value)
    for each in _parts(value):
        yield from _numbers(each)


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _counts(rows: list[Any]) -> Iterable[float]:
    """How many rows there are, how many have a field, and how many the same word in it."""
    fields = [item for row in rows if isinstance(row, dict) for item in row.items()]
    told = Counter(name for name, value in fields if value not in (None, "", 0, False, [], {}))
    same = Counter((name, value) for name, value in fields if isinstance(value, str | bool))
    return map(float, (len(rows), *told.values(), *same.values()))
