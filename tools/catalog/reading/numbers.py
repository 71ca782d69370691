"""Numbers as people write them: 1,050 / 1.050 / 1 050 / 1'050, decimal comma, $4.50, (4), 2-, '-4, 12,5 kg, 95 %.

Most ways are clear by themselves. `1.050` is not: it is decided by what else stands in the column and in the file.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tools.catalog.reading.file_reading import Decimal
from tools.catalog.reading.periods import fold
from tools.planning.demand_distribution import FloatArray

PLAIN = r"^-?(0|[1-9]\d*)(\.(\d{1,2}|\d{4,}))?$|^-?0\.\d+$"
"""Clear with a point, as programs write numbers."""
WRITTEN = re.compile(
    r"'?(?P<open>\()?\s*(?P<sign>[-+−–])?\s*(?:[$€£¥₹]|(?:US|A|C|R)\$|EUR|USD|GBP|CHF|CAD|AUD|SEK|NOK|DKK|PLN|JPY|CNY|MXN|INR|kr\b|Fr\.)?\s*(?P<late>[-−–])?\s*"
    r"(?P<digits>\d[\d.,'’\s]*|[.,]\d+)(?P<power>[eE][-+]?\d{1,3})?\s*"
    r"(?P<unit>%|[$€£¥₹]|[^\W\d_]{1,12}\.?)?\s*(?P<minus>[-−–])?\s*(?P<close>\))?"
)
MARKS: tuple[tuple[Decimal, str, str], ...] = (("point", ",", r"\."), ("comma", r"\.", ","))
CLEAR: dict[Decimal, re.Pattern[str]] = {
    mark: re.compile(
        rf"\d{{1,3}}(?:{groups}\d{{3}})+{point}\d*|\d{{1,3}}(?:{groups}\d{{3}}){{2,}}"
        rf"|\d{{1,2}}(?:{groups}\d{{2}})+{groups}\d{{3}}(?:{point}\d*)?"  # 1,05,250, as in India.
        rf"|\d*{point}(?:\d{{0,2}}|\d{{4,}})|0*{point}\d+|\d{{4,}}{point}\d+"
    )
    for mark, groups, point in MARKS
}
CURRENCIES = {"€": "eur", "$": "usd", "£": "gbp", "euro": "eur"}
UNCLEAR = re.compile(r"[1-9]\d{0,2}([.,])\d{3}")
BLANK_GROUPS = re.compile(r"\d{1,3}(?: \d{3})+([.,]\d+)?")


@dataclass(frozen=True, slots=True)
class Written:
    """A number taken apart: its sign, its digits with marks, its unit."""

    negative: bool
    digits: str
    power: str
    unit: str

    @property
    def clear(self) -> Decimal | None:
        """The decimal mark that this number alone proves."""
        return next((mark for mark, pattern in CLEAR.items() if pattern.fullmatch(self.digits)), None)


def take_apart(text: str) -> Written | None:
    found = WRITTEN.fullmatch(text)
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    digits = re.sub(r"[\s'’]+(?=\d{3}(?:\D|$))", " ", found["digits"].strip())
    if " " in digits:
        if not BLANK_GROUPS.fullmatch(digits):
            return None
        digits = digits.replace(" ", "")
    negative = any(found[part] not in (None, "+") for part in ("open", "sign", "late", "minus"))
    unit = fold(found["unit"] or "").strip(" .")
    return Written(negative, digits, found["power"] or "", CURRENCIES.get(unit, unit))


@dataclass(frozen=True, slots=True)
class Numbers:
    """The distinct cells of a column, taken apart."""

    cells: list[str]
    plain: FloatArray
    """The value of each cell that is plain; NaN for the others."""
    written: dict[int, Written | None]
    """The cells that are not plain by position; None is no number."""

    @property
    def proof(self) -> set[Decimal]:
        """The decimal marks that cells of this column prove."""
        found = {each.clear for each in self.written.values() if each is not None}
        return {mark for mark in found if mark is not None} | ({"point"} if self._has_plain_decimals() else set())

    @property
    def unclear(self) -> dict[int, str]:
        """The mark of each cell that may be thousands or decimals."""
        found = {place: UNCLEAR.fullmatch(each.digits) for place, each in self.written.items() if each is not None}
        return {place: match[1] for place, match in found.items() if match}

    @property
    def has_whole(self) -> bool:
        return bool((self.plain == np.floor(self.plain)).any())

    @property
    def has_large_whole(self) -> bool:
        return bool((np.abs(self.plain[self.plain == np.floor(self.plain)]) >= 1000).any())

    def _has_plain_decimals(self) -> bool:
        return bool((np.nan_to_num(self.plain) != np.floor(np.nan_to_num(self.plain))).any())


def numbers_of(cells: list[str]) -> Numbers:
    """Take the distinct cells of a column apart; plain ones all at once."""
    text = pa.array(cells, pa.string())
    plain = pc.match_substring_regex(text, PLAIN)
    values = pc.cast(pc.if_else(plain, text, None), pa.float64()).to_numpy(zero_copy_only=False)
    others = np.flatnonzero(~plain.to_numpy(zero_copy_only=False))
    return Numbers(cells, values, {int(place): take_apart(cells[place]) for place in others if cells[place]})


def decide(numbers: Numbers, others: Iterable[Numbers], *, separator: str, dotted_dates: bool) -> Decimal | None:
    """The decimal mark of a column with unclear cells; None where a person must say."""
    if len(numbers.proof) == 1:
        return next(iter(numbers.proof))
    marks = set(numbers.unclear.values())
    if numbers.proof or len(marks) > 1:
        return None
    elsewhere = {mark for each in others for mark in each.proof}
    if len(elsewhere) == 1:
        return next(iter(elsewhere))
    return _by_habit(numbers, next(iter(marks)), separator, dotted_dates)


def _by_habit(numbers: Numbers, mark: str, separator: str, dotted_dates: bool) -> Decimal | None:
    """Who writes with semicolons and dotted dates writes 1.050 for a thousand; who separates by commas, 1,050."""
    grouped = numbers.has_whole and not numbers.has_large_whole
    if mark == ".":
        if separator == ";" and (dotted_dates or grouped):
            return "comma"
        return "point" if separator == "," and not numbers.has_whole else None
    if separator == "," or (grouped and separator != ";"):
        return "point"
    return "comma" if separator == ";" and not numbers.has_whole else None


def value(written: Written, decimal: Decimal | None) -> float:
    """The number; NaN where its marks are none of a number."""
    mark = written.clear or decimal or "point"
    digits = written.digits.replace("." if mark == "comma" else ",", "").replace(",", ".")
    unclear = UNCLEAR.fullmatch(written.digits)
    if written.clear is None and not unclear and not written.digits.isdigit():
        return float("nan")
    found = float(digits + written.power)
    return -found if written.negative else found


def usual_unit(numbers: Numbers) -> str:
    """The unit that most cells with one have."""
    units = Counter(each.unit for each in numbers.written.values() if each is not None and each.unit)
    return units.most_common(1)[0][0] if units else ""
