"""Words as people type them find what they mean, and nothing by chance."""

import pytest

from tools.asking.words import WordIndex

ROWS = [
    ("HEX_BOLTS_M8", "Hex bolts M8 x 40", "Fasteners", "Dallas", "KEY", "Keystone Fasteners"),
    ("HEX_BOLTS_M12", "Hex bolts M12 x 60", "Fasteners", "Newark", "KEY", "Keystone Fasteners"),
    ("STEEL_SHEETS", "Steel sheets 1.5 mm", "Metals", "Dallas", "MID", "Midwest Metals"),
    ("DEICING_SALT", "De-icing salt", "Chemicals", "Dallas", "MID", "Midwest Metals"),
    ("HELMETS", "Safety helmets, white", "Safety", "Newark", "GUA", "Guardian Safety Wear"),
    ("VALVES", "Four-way valves", "Electrical", "Newark", "VOL", "Voltline Electric"),
]
INDEX = WordIndex(ROWS)


def ids(text: str) -> list[str]:
    return [ROWS[row][0] for row in sorted(INDEX.find(text).rows)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hex bolts", ["HEX_BOLTS_M8", "HEX_BOLTS_M12"]),
        ("Hex-Bolt m8", ["HEX_BOLTS_M8"]),
        ("bolts in Newark", ["HEX_BOLTS_M12"]),
        ("keystone", ["HEX_BOLTS_M8", "HEX_BOLTS_M12"]),
        ("helm", ["HELMETS"]),
        ("steel newark", []),
        ("1.5", ["STEEL_SHEETS"]),
    ],
)
def test_every_word_must_fit_one_row_in_any_of_its_names(text: str, found: list[str]) -> None:
    assert ids(text) == found
    assert not INDEX.find(text).unknown


def test_a_whole_name_counts_before_its_words() -> None:
    assert ids("metals") == ["STEEL_SHEETS"], "the category, not the supplier with the same word"
    assert ids("midwest metals") == ["STEEL_SHEETS", "DEICING_SALT"]


@pytest.mark.parametrize(
    ("text", "found", "taken_as"),
    [
        ("steal sheets", ["STEEL_SHEETS"], ("steal", "steel")),
        ("helmits", ["HELMETS"], ("helmits", "helmet")),
        ("stl sheets dallas", ["STEEL_SHEETS"], ("stl sheets", "steel sheet")),
    ],
)
def test_a_slip_is_forgiven_and_named(text: str, found: list[str], taken_as: tuple[str, str]) -> None:
    assert ids(text) == found
    assert INDEX.find(text).taken_as == (taken_as,)


@pytest.mark.parametrize("word", ["gizmos", "x1", "m9", "stel", "hat", "1.7", "dull"])
def test_a_word_that_fits_nothing_is_named_and_not_guessed(word: str) -> None:
    assert INDEX.find(f"dallas {word}").unknown == (word,)
    assert len(INDEX.find(f"dallas {word}").rows) == 3, "the other words narrow all the same"


def test_no_words_fit_every_row_and_an_empty_index_fits_nothing() -> None:
    assert len(INDEX.find(" ").rows) == len(ROWS)
    assert WordIndex([]).find("bolts") == (frozenset(), ("bolts",), ())
