"""Finds rows by words as people type them: names, single words, their beginnings and plurals, and small slips."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

SHORTEST_BEGINNING = 4
SHORTEST_SLIP, LONG_WORD = 5, 9
"""Letters from which on one slip is forgiven, and two."""
PHRASE_BAR = 88
"""How much alike, of 100, words and a name must be where one of the words fits nothing by itself."""
SMALL_WORDS = frozenset(("a", "and", "at", "by", "for", "from", "in", "of", "the", "with"))
_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)?")
_PLURAL = re.compile(r"(?<=[xhs])es$|(?<=[^su])s$")
Rows = frozenset[int]


class Found(NamedTuple):
    """Rows that fit all known words; every row where there is none."""

    rows: Rows
    unknown: tuple[str, ...] = ()
    """Words that fit no row, as they were typed."""
    taken_as: tuple[tuple[str, str], ...] = ()
    """Slips, and what each was taken for."""


def fold(text: str) -> str:
    """Without case and accents.

    >>> fold("Größe Ñandú")
    'grosse nandu'
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in plain if not unicodedata.combining(each))


def stems(text: str) -> list[str]:
    """The words of a text, folded and without plural.

    >>> stems("STEEL_SHEETS, Boxes 2.5 mm")
    ['steel', 'sheet', 'box', '2.5', 'mm']
    """
    return [_PLURAL.sub("", word) if len(word) > 3 else word for word in _WORD.findall(fold(text))]


class WordIndex:
    """Rows by the words of their names. A row has several: its id, its supplier, its location."""

    def __init__(self, rows: Iterable[Sequence[str]]) -> None:
        by_name: dict[str, set[int]] = defaultdict(set)
        count = 0
        for number, names in enumerate(rows):
            count += 1
            for name in names:
                by_name[name].add(number)
        self._names: dict[str, set[int]] = defaultdict(set)
        self._words: dict[str, set[int]] = defaultdict(set)
        for name, fitting in by_name.items():
            words = stems(name)
            if words:
                self._names[" ".join(words)] |= fitting
            for word in words:
                self._words[word] |= fitting
        self._every = frozenset(range(count))

    def find(self, text: str) -> Found:
        """Whole names first, the longest; then word by word; where a word fits nothing, a name much like all of them.

        >>> index = WordIndex([("HEX_BOLTS", "Dallas"), ("HEX_WINGNUTS", "Dallas")])
        >>> index.find("hex bolt in dallas"), index.find("nutz dallas").unknown
        (Found(rows=frozenset({0}), unknown=(), taken_as=()), ('nutz',))
        >>> index.find("hx wingnuts").taken_as
        (('hx wingnuts', 'hex wingnut'),)
        """
        rows, rest = self._whole_names(text)
        slips: list[tuple[str, str]] = []
        unknown: list[str] = []
        narrowed = rows
        for typed, word in rest:
            fitting = self._fitting(word)
            if not fitting:
                unknown += [] if word in SMALL_WORDS else [typed]
                continue
            slips += [] if word in fitting or fitting[0].startswith(word) else [(typed, " or ".join(fitting))]
            narrowed &= frozenset().union(*(self._words[each] for each in fitting))
        alike = self._much_like(rest) if unknown else None
        if alike is not None:
            phrase, name = alike
            return Found(rows & self._names_beginning(name), (), ((phrase, name),))
        return Found(narrowed, tuple(unknown), tuple(slips))

    def nearest(self, text: str, *, limit: int = 3) -> list[str]:
        """Names that look most like the text."""
        return [name for name, _, _ in process.extract(" ".join(stems(text)), list(self._names), limit=limit)]

    def _whole_names(self, text: str) -> tuple[Rows, list[tuple[str, str]]]:
        """The rows that have the names which the text spells out, and the other words."""
        typed = [match[0] for match in _WORD.finditer(text)]
        words = [" ".join(stems(word)) for word in typed]
        rows, rest, at = self._every, [], 0
        while at < len(words):
            ends = range(len(words), at, -1)
            end = next((end for end in ends if " ".join(words[at:end]) in self._names), None)
            if end is None:
                rest.append((typed[at], words[at]))
            else:
                rows &= self._names[" ".join(words[at:end])]
            at = end or at + 1
        return rows, rest

    def _fitting(self, word: str) -> list[str]:
        """The words of names that this one is, begins, or is a slip of."""
        if word in self._words:
            return [word]
        if len(word) >= SHORTEST_BEGINNING and (longer := [each for each in self._words if each.startswith(word)]):
            return longer
        if len(word) < SHORTEST_SLIP or not word.isalpha():
            return []
        slips = 2 if len(word) >= LONG_WORD else 1
        alike = process.extract(word, self._alphabetic(word[0]), scorer=OSA.distance, score_cutoff=slips, limit=5)
        return [each for each, _, _ in alike]

    def _alphabetic(self, first: str) -> list[str]:
        return [word for word in self._words if word[0] == first and len(word) >= SHORTEST_BEGINNING and word.isalpha()]

    def _much_like(self, rest: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
        """The words as they were typed, and the name, or its beginning, that is much like them."""
        said = [(typed, word) for typed, word in rest if word not in SMALL_WORDS]
        if sum(len(word) for _, word in said) < 2 * SHORTEST_SLIP - 2:
            return None
        names = set(self._beginnings(len(said)))
        best = process.extractOne(" ".join(word for _, word in said), names, scorer=fuzz.ratio, score_cutoff=PHRASE_BAR)
        return None if best is None else (" ".join(typed for typed, _ in said), best[0])

    def _beginnings(self, length: int) -> Iterator[str]:
        for name in self._names:
            words = name.split(" ")
            yield " ".join(words[:length])
            yield " ".join(words[: length + 1])

    def _names_beginning(self, beginning: str) -> Rows:
        fitting = (rows for name, rows in self._names.items() if f"{name} ".startswith(f"{beginning} "))
        return frozenset().union(*fitting)
