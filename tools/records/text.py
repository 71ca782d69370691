"""Text as people read it: figures in words, and text from outside without the characters that people cannot see."""

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tools.records.errors import InvalidInput
from tools.records.facts import ProductFacts

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAYS = tuple(name[:3].lower() for name in DAY_NAMES)
"""As they are stored: mon, tue …"""
ID_LIMIT, NAME_LIMIT, NOTES_LIMIT = 100, 200, 1_000
# Invisible characters that Unicode does not class as control or format characters: combining grapheme joiner, Hangul
# fillers, Khmer inherent vowels, the empty braille pattern, Mongolian and general variation selectors.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    chr(code) for block in (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)) for code in block
)
# Control, format (bidi controls, tag characters, zero-width ones), surrogate, private use and unassigned.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_COMMAND = re.compile(r" \([^()]*(?:--|`restock )[^()]*\)")
MOST_DIGITS = 7
"""That are added to those asked for, so that a line comes out."""
EXACT = 10**15
"""Below it, a double prints every decimal number of so many digits exactly."""
WELL_WITHIN_HALF = 0.49
"""Of the last digit: so near to it, every rule for rounding halves gives the same."""


def clean_text(text: str, *, limit: int) -> str:
    """One line of visible characters, at most `limit` of them, in composed form (NFC).

    Joiners are removed too: better a broken emoji than a word that can be read in two ways.

    >>> clean_text(" Blue\\u202e mug\\U000e0041\\n ", limit=20)
    'Blue mug'
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(_visible(text[: 4 * limit]))
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.split())[:limit].rstrip()


def without_invisible(text: str) -> str:
    """The text without characters that people cannot see; white space stays as it is.

    >>> without_invisible("Blue\\u202e mug\\n")
    'Blue mug\\n'
    """
    return text if text.isascii() else "".join(filter(_is_seen, text))


def clean_facts(facts: ProductFacts) -> ProductFacts:
    """The facts with every text cleaned. An id that would change is refused, because two ids must not look alike."""
    product, supplier, stock = facts.product, facts.supplier, facts.stock
    _require_visible("product id", product.id)
    _require_visible("location", stock.location)
    _require_visible("supplier id", supplier.id)
    texts = {
        "name": clean_text(product.name, limit=NAME_LIMIT),
        "category": clean_text(product.category, limit=NAME_LIMIT),
        "unit": clean_text(product.unit, limit=NAME_LIMIT),
        "purchase_unit": clean_text(product.purchase_unit, limit=NAME_LIMIT),
        "currency": clean_text(product.currency, limit=NAME_LIMIT),
        "notes": clean_text(product.notes, limit=NOTES_LIMIT),
    }
    orders = tuple(
        order.model_copy(update={"reference": clean_text(order.reference, limit=ID_LIMIT)})
        for order in stock.open_orders
    )
    return facts.model_copy(
        update={
            "product": product.model_copy(update=texts),
            "supplier": supplier.model_copy(update={"name": clean_text(supplier.name, limit=NAME_LIMIT)}),
            "stock": stock.model_copy(update={"open_orders": orders}),
        }
    )


def without_commands(text: str) -> str:
    """A message without the options and commands in brackets, for people who see a page.

    >>> without_commands("No column for quantity (--map quantity=COLUMN); the columns are a (b), c.")
    'No column for quantity; the columns are a (b), c.'
    """
    return _COMMAND.sub("", text)


def amount(value: float, digits: int = 2) -> str:
    """Thousands separators, at most so many decimals (one or more), no idle zeros.

    >>> amount(12345.678), amount(900.0), amount(-0.001)
    ('12,345.68', '900', '0')
    """
    text = f"{value:,.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def shown(value: float, digits: int = 2) -> str:
    """At most so many decimals (one or more), without trailing zeros.

    >>> shown(57.5700001), shown(120.0), shown(-0.001)
    ('57.57', '120', '0')
    """
    if value % 1 == 0:
        return str(int(value))
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def shown_sum(*terms: float, digits: int = 2) -> tuple[str, ...]:
    """Terms and then their total, with the fewest digits (as asked, or more) at which the printed terms make it.

    >>> shown_sum(0.005, 0.005)
    ('0.005', '0.005', '0.01')
    """
    total = sum(terms)
    for more in range(digits, digits + MOST_DIGITS + 1):
        unit = 10**more
        counts = [round(term * unit) for term in terms]
        whole = sum(counts)
        if whole == round(total * unit):
            break
    return tuple([_in_parts(count, unit) for count in (*counts, whole)])


def shown_result(compute: Callable[..., float], *operands: float, digits: int = 2) -> tuple[str, ...]:
    """Operands and then what `compute` makes of them, to so many decimals: the operands with the fewest digits (as many
    or more) that still make it.

    >>> shown_result(lambda z, sd: z * sd, 1.6448536, 35.0)
    ('1.6449', '35', '57.57')
    """
    last = 10**digits
    parts = round(compute(*operands) * last)
    for more in range(digits, digits + MOST_DIGITS + 1):
        unit = 10**more
        counts = [round(operand * unit) for operand in operands]
        if abs(compute(*[count / unit for count in counts]) - parts / last) < WELL_WITHIN_HALF / last:
            break
    return (*[_in_parts(count, unit) for count in counts], _in_parts(parts, last))


def _in_parts(count: int, unit: int) -> str:
    """A whole number of parts, `unit` of which make one, as a decimal without trailing zeros."""
    if count % unit == 0:
        return str(count // unit)
    value = count / unit
    if abs(value) >= 1e-4 and abs(count) < EXACT:
        return repr(value)
    whole, part = divmod(abs(count), unit)
    text = f"{whole}.{str(unit + part)[1:]}".rstrip("0")
    return f"-{text}" if count < 0 else text


def counted(value: float, unit: str = "units") -> str:
    """
    >>> counted(1), counted(1200, "kg")
    ('1 unit', '1,200 kg')
    """
    return f"{amount(value)} {'unit' if unit == 'units' and value == 1 else unit}"


def several(count: int, noun: str, verb: str = "") -> str:
    """A noun by its number, and the verb after it.

    >>> several(1, "line"), several(1200, "history", "have"), several(1, "row", "stay"), several(2, "day", "are")
    ('1 line', '1,200 histories have', '1 row stays', '2 days are')
    """
    if count == 1:
        words = [noun, _OF_ONE.get(verb, f"{verb}s")] if verb else [noun]
    else:
        words = [noun[:-1] + "ies" if noun.endswith(("ry", "ty", "ly")) else f"{noun}s", verb]
    return " ".join([f"{count:,}", *words]).rstrip()


_OF_ONE = {"are": "is", "were": "was", "have": "has", "do": "does"}


def days(value: float) -> str:
    """
    >>> days(1), days(2.5)
    ('1 day', '2.5 days')
    """
    return counted(value, "day" if value == 1 else "days")


def percent(share: float) -> str:
    """
    >>> percent(0.95), percent(0.995)
    ('95 %', '99.5 %')
    """
    return f"{amount(share * 100)} %"


def money(value: Any, currency: str) -> str:
    """
    >>> money("45000", "USD")
    '45,000.00 USD'
    """
    return f"{Decimal(str(value)):,.2f} {currency}"


def _require_visible(name: str, value: str) -> None:
    if not value or value != clean_text(value, limit=ID_LIMIT):
        raise InvalidInput(
            f"The {name} {clean_text(value, limit=ID_LIMIT)!r} is empty, longer than {ID_LIMIT} characters or holds"
            " invisible or doubled white space characters; send it without them."
        )


def _visible(text: str) -> list[str]:
    """The visible characters. A line break or tab becomes a space, so that words stay apart."""
    return [" " if character.isspace() else character for character in text if _is_seen(character)]


def _is_seen(character: str) -> bool:
    hidden = character in _INVISIBLE or unicodedata.category(character) in _INVISIBLE_CATEGORIES
    return character.isspace() or not hidden
