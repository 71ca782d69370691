"""Column names as they are compared: without case, blanks, punctuation, accents and units."""

import re
import unicodedata
from functools import cache

from tools.catalog.reading.file_reading import Kind
from tools.catalog.reading.loose_names import loose
from tools.catalog.reading.roles import KINDS, Ranks

BRACKETS = re.compile(r"[(\[{].*?[)\]}]")
UNIT_WORDS = {
    "day": "days day d tage tagen tag tg dias dia jours jour j",
    "week": "weeks week wks wk w wochen woche semanas semana semaines semaine",
    "month": "months month monate monat meses mes mois monaten",
}
UNITS = {word: unit for unit, words in UNIT_WORDS.items() for word in words.split()}


@cache
def plain(name: str) -> str:
    """A column's name without case, blanks, punctuation, accents and units in brackets."""
    return _letters(BRACKETS.sub(" ", name)) or _letters(name)


def _letters(text: str) -> str:
    spread = text.casefold().replace("ø", "o").replace("æ", "ae")
    return re.sub(r"[^0-9a-z]", "", unicodedata.normalize("NFKD", spread).replace("ß", "ss"))


@cache
def spellings(name: str) -> tuple[str, ...]:
    """A column's name as it is compared: also with ä for ae, and without a unit of time at its end."""
    words = plain(name)
    without = re.sub(r"(in|en)?(days|tagen?|dias|jours|weeks|wochen|semanas|semaines|months|monaten?)$", "", words)
    return tuple(dict.fromkeys((words, without))) if without else (words,)


def unit_of_time(name: str) -> str:
    """The unit that a column's name states: "Lead time (weeks)" is in weeks. Days, where it states none."""
    words = re.findall(r"[a-z]+", unicodedata.normalize("NFKD", name.casefold()))
    return next((UNITS[word] for word in reversed(words) if word in UNITS and len(word) > 1), "day")


@cache
def ranks(kind: Kind) -> dict[str, dict[str, int]]:
    """For each role of a kind, the rank of each name as `plain` writes it; 0 is best."""
    return {role: _ranked(role, tiers) for role, tiers in KINDS[kind].items()}


def _ranked(role: str, tiers: Ranks) -> dict[str, int]:
    found: dict[str, int] = {}
    for rank, names in enumerate(tiers):
        for name in names:
            for spelling in (plain(name), plain(_two_letters(name))):
                found.setdefault(spelling, rank)
    found.setdefault(plain(role), 0)
    return found


def _two_letters(name: str) -> str:
    for letter, two in (("ä", "ae"), ("ö", "oe"), ("ü", "ue")):
        name = name.replace(letter, two)
    return name


@cache
def known_names() -> dict[str, set[str]]:
    """The names of each role in any kind of file."""
    found: dict[str, set[str]] = {}
    for kind in KINDS:
        for role, names in ranks(kind).items():
            found.setdefault(role, set()).update(names)
    return found


@cache
def is_known(name: str) -> bool:
    """Whether a column may be called so, to find the line of column names by."""
    return any(
        spelling in names
        for role, names in known_names().items()
        for spelling in (*spellings(name), *loose(name, role))
    )
