import pytest

from agent.rules.subjects import Match, match, match_place, near, wider_queries

ROWS = [
    {"product_id": "STEEL_SHEETS", "name": "Steel sheets 1.5 mm", "category": "Metals", "location": "Chicago"},
    {"product_id": "STEEL_SHEETS", "name": "Steel sheets 1.5 mm", "category": "Metals", "location": "New York"},
    {"product_id": "HEX_BOLTS_M8", "name": "Hex bolts M8 x 40", "category": "Fasteners", "location": "Chicago"},
    {"product_id": "HEX_BOLTS_M12", "name": "Hex bolts M12 x 60", "category": "Fasteners", "location": "Chicago"},
    {"product_id": "ALUMINUM_BARS", "name": "Aluminum flat bars", "category": "Metals", "location": "Chicago"},
    {"product_id": "sku-77", "name": "Ball bearings 6204-2RS", "category": "Bearings", "location": "Chicago"},
]


@pytest.mark.parametrize(
    ("mention", "product_id"),
    [
        ("STEEL_SHEETS", "STEEL_SHEETS"),
        ("steel-sheets", "STEEL_SHEETS"),
        ("Steel Sheet", "STEEL_SHEETS"),
        ("steelsheets", "STEEL_SHEETS"),
        ("steel sheets urgently", "STEEL_SHEETS"),
        ("hex bolt m12", "HEX_BOLTS_M12"),
        ("SKU 77", "sku-77"),
        ("ball bearings", "sku-77"),
    ],
)
def test_every_way_of_writing_a_product_finds_it(mention: str, product_id: str) -> None:
    assert match(mention, ROWS) == Match(mention, (product_id,))


@pytest.mark.parametrize("mention", ["stel sheets", "steel sheats", "aluminium bars", "alumnum"])
def test_a_slip_of_the_pen_is_a_guess(mention: str) -> None:
    found = match(mention, ROWS)

    assert found.guessed
    assert found.product_ids == (("ALUMINUM_BARS",) if mention.startswith("alu") else ("STEEL_SHEETS",))


def test_words_that_fit_several_products_mean_any_of_them() -> None:
    assert match("hex bolts", ROWS).product_ids == ("HEX_BOLTS_M8", "HEX_BOLTS_M12")


@pytest.mark.parametrize("mention", ["HEX_BOLTS_M10", "hex bolts m16", "weather", "x", "99", ""])
def test_what_fits_nothing_is_not_forced_to_fit(mention: str) -> None:
    assert match(mention, ROWS) == Match(mention)


def test_categories_and_places_are_told_from_products() -> None:
    assert match("metals", ROWS).category == "Metals"
    assert match("new york", ROWS).place == "New York"


@pytest.mark.parametrize(("place", "location"), [("chicago", "Chicago"), ("york", "New York"), ("Chicgo", "Chicago")])
def test_places_are_found_by_name_part_or_likeness(place: str, location: str) -> None:
    assert match_place(place, ["Chicago", "New York"]) == location


def test_an_unknown_place_is_none() -> None:
    assert match_place("Paris", ["Chicago", "New York"]) is None


def test_a_single_word_is_widened_to_everything_as_it_may_be_a_place() -> None:
    assert wider_queries("stel sheets") == ("stel", "sheet", "ste", "she")
    assert wider_queries("Dallas") == ("dal", "")


def test_near_ids_are_suggested_for_what_fits_none() -> None:
    assert near("hex bolts m16", ROWS) == ("HEX_BOLTS_M12", "HEX_BOLTS_M8")
    assert near("weather", ROWS) == ()
