"""What people type into forms and filters."""

import re
from datetime import date, timedelta

from api.bodies.fields import FINEST_QUANTITY, MAX_QUANTITY
from tools.records.errors import InvalidInput
from tools.records.quantities import quantity

_BETWEEN_THOUSANDS = "[, \u00a0\u202f]"
_NUMBER = re.compile(
    rf"[0-9]{{1,3}}(?:{_BETWEEN_THOUSANDS}[0-9]{{3}})+(?:\.[0-9]+)?|(?:[0-9]+\.?|[0-9]*\.[0-9]+)(?:e-[0-9]{{1,2}})?"
)


def number(text: str, what: str) -> float:
    """A figure of at least 0. A comma or a space counts between thousands only, so that 1,5 is not taken for 15."""
    plain = text.strip()
    value = float(re.sub(_BETWEEN_THOUSANDS, "", plain)) if _NUMBER.fullmatch(plain) else -1
    if not (value == 0 or FINEST_QUANTITY <= value <= MAX_QUANTITY):
        raise InvalidInput(f"{text[:40]!r} is no {what}; type a number such as 120 or 0.5.")
    return quantity(value)


def day(text: str) -> date | None:
    """A day as browsers send it; None for none."""
    try:
        found = date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInput(f"{text[:40]!r} is no day; write it as 2026-12-24.") from None
    if found == date.max:
        raise InvalidInput(f"{found} has no day after it; give an earlier one.")
    return found


def day_ahead(text: str, today: date) -> date:
    """Until when a product is left alone."""
    found = day(text)
    if found is None or not today < found <= today + timedelta(365):
        raise InvalidInput("Leaving products alone needs a day from tomorrow to a year ahead.")
    return found
