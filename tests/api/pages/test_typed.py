"""What people type: figures and days."""

from datetime import date

import pytest

from api.pages import typed
from tools.records.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("120", 120),
        (" 1,234,567 ", 1_234_567),
        ("1\u202f200.5", 1_200.5),
        ("12 000", 12_000),
        (".5", 0.5),
        ("1e-05", 1e-05),
    ],
)
def test_figures_are_read_with_or_without_signs_between_thousands(text: str, value: float) -> None:
    assert typed.number(text, "quantity") == value


@pytest.mark.parametrize("text", ["1,5", "1,23,456", "12,00", "-3", "1e9", "nan", "ten", "", "0.0000001", "9" * 12])
def test_what_may_be_read_in_two_ways_or_in_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no quantity; type a number such as"):
        typed.number(text, "quantity")


def test_days_are_read_as_browsers_send_them() -> None:
    assert (typed.day("2026-12-24"), typed.day("")) == (date(2026, 12, 24), None)
    with pytest.raises(InvalidInput, match="write it as 2026-12-24"):
        typed.day("24.12.2026")
