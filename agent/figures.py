"""Figures, days and ids as people and models write them, in English, German, Spanish and French."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

Reading = tuple[float, float]
"""A value, and the step of its last digit."""
Day = tuple[int, int, int]
"""Year, month and day; the year is 0 where none is written."""
_MONTHS = (
    "January Januar Jan enero ene janvier",
    "February Februar Feb febrero février",
    "March März Mar marzo mars",
    "April Apr abril avril",
    "May Mai mayo mai",
    "June Juni Jun junio juin",
    "July Juli Jul julio juillet",
    "August Aug agosto août",
    "September Sept Sep septiembre septembre",
    "October Oktober Oct Okt octubre octobre",
    "November Nov noviembre novembre",
    "December Dezember Dec Dez diciembre dic décembre",
)
MONTHS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_CODES = "USD|EUR|GBP|CHF|JPY|CNY|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|INR|BRL|MXN|ZAR|SGD|HKD|KRW|TRY|RON"
_DOLLARS = ("$", "usd", "cad", "aud", "nzd", "sgd", "hkd", "mxn")
SIGNS = {
    "$": _DOLLARS,
    "dollars": _DOLLARS,
    "€": ("€", "eur"),
    "euros": ("€", "eur"),
    "£": ("£", "gbp"),
    "¥": ("¥", "jpy", "cny"),
}
"""What a sign may stand for, itself included."""
_SCALES = {"k": 1e3, "thousand": 1e3, "tausend": 1e3, "mil": 1e3, "m": 1e6, "million": 1e6, "millions": 1e6, "mio": 1e6}
_UNCLEAR_SCALES = ("k", "m", "mil")
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_LINK = re.compile(r"https?://[^\s<>\"'`()\[\]]*[^\s<>\"'`()\[\].,;:!?]")
_CLOCK = re.compile(r"(?<![\d:])\d{1,2}:\d{2}(?::\d{2})?(?![\d:])")
_ISO_DAY = re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?!\d)")
_DAY_FIRST = re.compile(
    rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?\s(?:of |de )?(?P<name>{_MONTH})\b\.?(?:,? (?:de )?(?P<year>\d{{4}})\b)?"
)
_MONTH_FIRST = re.compile(
    rf"\b(?P<name>{_MONTH})\.?\s(?P<day>\d{{1,2}})(?!\d)(?:st|nd|rd|th)?\b(?:,? (?P<year>\d{{4}})\b)?"
)
_NUMERIC_DAY = re.compile(r"(?<![\d./])(?P<one>\d{1,2})[./](?P<two>\d{1,2})[./](?P<year>\d{4})(?![\d/])")
_DAYS = (_ISO_DAY, _DAY_FIRST, _MONTH_FIRST, _NUMERIC_DAY)
_WORD = re.compile(r"\w+(?:-\w+)*")
_LETTERS = re.compile(r"[^\W_]+")
_NOT_A_CODE = re.compile(rf"[\d-]+[^\W\d_]*(?:-[^\W\d_]+)*|\d+(?:x\d+)+|[a-z]+-\d+|(?:{_CODES})\d+")
_QUARTER = re.compile(r"[QH]\d")
_PLACE_IN_LIST = re.compile(r"^[ \t]*(?:[-*•][ \t]*)?\(?#?\d{1,2}[.)](?=\s)|\b\d+(?:st|nd|rd|th)\b", re.MULTILINE)
_FIGURE = re.compile(
    rf"""
    (?P<hedge>\b(?i:about|around|roughly|nearly|almost|approximately|approx\.?|some|circa|ca\.?|etwa|rund|ungefähr
        |environ|unos|unas|casi|aproximadamente)\s|[~≈]\s?)?
    (?P<written>
        (?:(?P<before>[$€£¥]|\b(?:{_CODES}))\s?)?
        (?=(?P<word>\d\w{{0,40}}))
        (?P<number>\d{{1,3}}(?:(?P<mark>[.,'’\u00a0\u202f\u2009\ ])\d{{3}})(?:(?P=mark)\d{{3}})*(?!\d)(?:[.,]\d+)?
            |\d+(?:[.,]\d+)?)
        (?:\s?(?P<scale>thousand|tausend|mil|millions?|mio|[kKmM])\b)?
        (?P<percent>\s?(?:%|percent\b|per\scent\b|pct\b|Prozent\b|por\sciento\b|pour\scent\b))?
        (?(before)|(?:\s?(?P<after>[$€£¥]|(?:{_CODES}|dollars|euros)\b))?)
    )
    (?P<weeks>[\s-]?(?:weeks?|wks?|Wochen?|semanas?|semaines?)\b)?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Figure:
    """A number in a text, in every way in which it can be read."""

    written: str
    readings: tuple[Reading, ...]
    is_hedged: bool = False
    """Said to be about so much."""
    currencies: tuple[str, ...] = ()
    """What its currency may be; empty where it has none."""
    word: str = ""
    """The whole word where letters follow: `3M` may be a name."""


@dataclass(frozen=True)
class Claims:
    """What a text says that can be looked up."""

    phrases: tuple[str, ...]
    """Addresses and times of day."""
    days: tuple[tuple[str, tuple[Day, ...]], ...]
    """As written, and what they may mean."""
    codes: tuple[str, ...]
    """Ids and numbers of orders: words with a digit or an underscore in them."""
    figures: tuple[Figure, ...]

    @classmethod
    def of(cls, text: str) -> "Claims":
        """Each part of the text is read once, as the first of these that it can be."""
        phrases, text = _taken(text, _LINK, _CLOCK)
        days, text = _taken(text, *_DAYS)
        words = _WORD.findall(text)
        names = set(filter(_is_name, set(words)))
        text = _WORD.sub(lambda match: " " * len(match[0]) if match[0] in names else match[0], text)
        return cls(
            phrases=tuple(match[0] for match in phrases),
            days=tuple((match[0], _meant(match.groupdict())) for match in days),
            codes=tuple(word for word in words if word in names and not _QUARTER.fullmatch(word)),
            figures=tuple(map(_figure, _FIGURE.finditer(_blanked(_PLACE_IN_LIST, text)))),
        )


def words_in(text: str) -> set[str]:
    """The words of a text, and the signs of its currencies."""
    return {*_WORD.findall(text), *(sign for sign in "$€£¥" if sign in text)}


def spaced(text: str) -> str:
    """The words of a text in small letters with one space around each, so that a phrase can be looked for."""
    return f" {' '.join(_LETTERS.findall(text.casefold()))} "


def _taken(text: str, *patterns: re.Pattern[str]) -> tuple[list[re.Match[str]], str]:
    """What fits the patterns, and the text without it."""
    found: list[re.Match[str]] = []
    for pattern in patterns:
        found += pattern.finditer(text)
        text = _blanked(pattern, text)
    return found, text


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: " " * len(match[0]), text)


def _figure(match: re.Match[str]) -> Figure:
    sign = (match["before"] or match["after"] or "").lower()
    return Figure(
        match["written"].strip(),
        tuple(_readings(match)),
        is_hedged=bool(match["hedge"]),
        currencies=SIGNS.get(sign, (sign,)) if sign else (),
        word="" if match["word"].isdecimal() else match["word"],
    )


def _meant(parts: dict[str, str | None]) -> tuple[Day, ...]:
    year = int(parts["year"] or 0)
    if "one" in parts:
        one, two = int(parts["one"] or 0), int(parts["two"] or 0)
        return (year, one, two), (year, two, one)
    month = MONTHS[str(parts["name"])] if "name" in parts else int(parts["month"] or 0)
    return ((year, month, int(parts["day"] or 0)),)


def _is_name(word: str) -> bool:
    letters = re.search(r"[^\W\d_]", word)
    return bool(letters) and ("_" in word or bool(re.search(r"\d", word) and not _NOT_A_CODE.fullmatch(word)))


def _readings(match: re.Match[str]) -> Iterator[Reading]:
    """Every reading of a number, times its scale and with its percent as a share; weeks also in days."""
    scale = (match["scale"] or "").lower()
    for value, step in _values(match["number"], match["mark"]):
        if scale:
            yield value * _SCALES[scale], step * _SCALES[scale]
        if not scale or scale in _UNCLEAR_SCALES:
            yield value, step
        if match["percent"]:
            yield value / 100, step / 100
        if match["weeks"]:
            yield value * 7, 1.0


def _values(number: str, mark: str | None) -> Iterator[Reading]:
    """`1,200` is 1200, and may be 1.2 where a comma begins the decimals."""
    if mark is None:
        yield _value(number.replace(",", "."))
        return
    whole = number.split(mark)
    yield _value("".join(whole).replace(",", "."))
    if mark in ".," and len(whole) == 2 and number.count(".") + number.count(",") == 1:
        yield _value(".".join(whole))


def _value(plain: str) -> Reading:
    return float(plain), 10.0 ** -len(plain.partition(".")[2])
