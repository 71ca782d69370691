"""Periods as people write them, as a column's name or in a cell: 2026-01, Jan 2026, KW 5/2026, 31.12.2026, W12."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from tools.catalog.histories import Period

MONTH_WORDS = (
    "january january jan januar janner enero ene janvier janv",
    "february feb februar feber febrero fevrier fevr fev",
    "march mar marz maerz mrz marzo mars",
    "april apr abril abr avril avr",
    "may mai mayo",
    "june jun juni junio juin",
    "july jul juli julio juillet juil",
    "august aug agosto ago aout",
    "september sep sept septiembre set septembre",
    "october oct oktober okt octubre octobre",
    "november nov noviembre novembre",
    "december dec dezember dez diciembre dic decembre",
)
MONTHS = {word: number for number, words in enumerate(MONTH_WORDS, start=1) for word in words.split()}
MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
WEEK = r"(?:w|wk|week|cw|kw|woche|kalenderwoche|semana|sem|semaine|s)"
COUNTED: dict[str, Period] = dict.fromkeys(("w", "wk", "week", "kw", "cw", "woche", "semana", "sem", "semaine"), "week")
COUNTED |= dict.fromkeys(("m", "month", "monat", "mes", "mois"), "month")
COUNTED |= dict.fromkeys(("d", "day", "tag", "dia", "jour"), "day")
QUANTITY_WORDS = re.compile(
    r"^(?:sales|sold|qty|quantity|units|units sold|demand|menge|absatz|verkauf|verkaufe|umsatzmenge|bedarf|ventas|"
    r"cantidad|unidades|ventes|quantite|qte)[\s_:.-]+(?=.*\d)"
)
"""What may stand before the period in the name of a column of quantities."""
YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
DAY_OR_MONTH_FIRST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})")
YEAR_MONTH = re.compile(r"(\d{4})[-/. ]?m?(\d{1,2})")
MONTH_YEAR = re.compile(r"(\d{1,2})[-/. ](\d{4})")
NAMED_MONTH = re.compile(rf"({MONTH})\.?[-/. ,']*(\d{{4}}|\d{{2}})")
YEAR_NAMED_MONTH = re.compile(rf"(\d{{4}})[-/. ]*({MONTH})\.?")
YEAR_WEEK = re.compile(rf"(\d{{4}})[-/. ]*{WEEK}[-/. ]*(\d{{1,2}})")
WEEK_YEAR = re.compile(rf"{WEEK}[-/. ]*(\d{{1,2}})[-/. ]+(\d{{4}})")
NUMBERED = re.compile(r"([a-z]+)[-/._ ]*(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Named:
    """A period: its first day, or where it has no year its number."""

    period: Period
    day: date | None = None
    number: int = 0


def fold(text: str) -> str:
    """Small letters without accents, single blanks."""
    if text.isascii():
        return " ".join(text.lower().split())
    letters = unicodedata.normalize("NFKD", text.casefold().replace("ß", "ss"))
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


@cache
def period_of(text: str) -> Named | None:
    """The period that a column's name states. A day that may have day or month first is left to `day_of`."""
    folded = QUANTITY_WORDS.sub("", fold(text).removesuffix(" 00:00:00")).replace("_", " ")
    if DAY_OR_MONTH_FIRST.fullmatch(folded):
        return Named("day")
    return _dated(folded) or _counted(folded)


def _dated(folded: str) -> Named | None:
    if found := YEAR_FIRST.fullmatch(folded):
        return _named("day", int(found[1]), int(found[2]), int(found[3]))
    if found := YEAR_WEEK.fullmatch(folded):
        return _week(int(found[1]), int(found[2]))
    if found := WEEK_YEAR.fullmatch(folded):
        return _week(int(found[2]), int(found[1]))
    return _month(folded)


def _month(folded: str) -> Named | None:
    if found := NAMED_MONTH.fullmatch(folded):
        return _named("month", full_year(found[2]), MONTHS[found[1]])
    if found := YEAR_NAMED_MONTH.fullmatch(folded):
        return _named("month", int(found[1]), MONTHS[found[2]])
    if found := MONTH_YEAR.fullmatch(folded):
        return _named("month", int(found[2]), int(found[1]))
    if found := YEAR_MONTH.fullmatch(folded):
        return _named("month", int(found[1]), int(found[2]))
    return None


def _counted(folded: str) -> Named | None:
    """W0, Week 12, M3, d_17; a month without a year counts by its place in the year."""
    if folded.rstrip(".") in MONTHS:
        return Named("month", number=MONTHS[folded.rstrip(".")])
    found = NUMBERED.fullmatch(folded)
    if found is None or found[1] not in COUNTED:
        return None
    return Named(COUNTED[found[1]], number=int(found[2]))


def full_year(text: str) -> int:
    """26 is 2026, 98 is 1998."""
    year = int(text)
    return year if len(text) == 4 else year + (2000 if year < 70 else 1900)


def _named(period: Period, year: int, month: int, day: int = 1) -> Named | None:
    try:
        return Named(period, date(year, month, day)) if 1900 <= year <= 2200 else None
    except ValueError:
        return None


def _week(year: int, week: int) -> Named | None:
    """The Monday of an ISO week."""
    try:
        return Named("week", date.fromisocalendar(year, week, 1))
    except ValueError:
        return None


def later(day: date, period: Period, count: int = 1) -> date:
    """The first day of the period that comes so many after the one that begins on `day`.

    >>> later(date(2026, 11, 1), "month", 2), later(date(2026, 11, 30), "week", -1)
    (datetime.date(2027, 1, 1), datetime.date(2026, 11, 23))
    """
    if period == "month":
        months = 12 * day.year + day.month - 1 + count
        return date(months // 12, months % 12 + 1, 1)
    return day + timedelta(days=count * (1 if period == "day" else 7))
