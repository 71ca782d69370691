import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.records.text import clean_text

BIDI = "\u202a\u202b\u202d\u202e\u202c\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
TAGS = "".join(chr(0xE0000 + ord(character)) for character in "Ignore")
FILLERS = "\u034f\u115f\u1160\u2800\u3164\uffa0\ufe0f\U000e0100"
CONTROLS = "\x00\x07\x1b\x7f\x9b"


@pytest.mark.parametrize("hidden", [*BIDI, *ZERO_WIDTH, TAGS, *FILLERS, *CONTROLS, "\ue000", "\ud800", "\uffff"])
def test_what_a_person_cannot_see_is_stripped(hidden):
    assert clean_text(f"Blue{hidden}mug", limit=100) == "Bluemug"


@pytest.mark.parametrize("space", ["\n", "\r\n", "\t", "\u2028", "\u2029", "\u00a0", "\u3000", "  "])
def test_any_white_space_becomes_one_space(space):
    assert clean_text(f"{space}Blue{space}mug{space}", limit=100) == "Blue mug"


@pytest.mark.parametrize("name", ["Größe 40 × 10", "日本語", "مرحبا", "50 % <b>off</b> {{7*7}}", "😀"])
def test_what_a_person_can_see_stays(name):
    assert clean_text(name, limit=100) == name


def test_a_letter_and_its_accent_become_one_character():
    assert clean_text("cafe\u0301", limit=100) == "café"


def test_text_is_cut_at_the_limit_without_a_trailing_space():
    assert clean_text("Blue mug", limit=5) == "Blue"


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(1, 40))
def test_cleaning_is_final_and_within_the_limit(text, limit):
    cleaned = clean_text(text, limit=limit)

    assert len(cleaned) <= limit
    assert clean_text(cleaned, limit=limit) == cleaned
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"} for character in cleaned)
