"""The unit that a quantity is sent in changes no plan."""

from collections.abc import Callable

import numpy as np
import pytest

from tools.planning.counting_unit import counting_unit
from tools.planning.replenishment import plan
from tools.records.facts import ProductFacts

Make = Callable[..., ProductFacts]

COFFEE_GRAMS = (362.0, 410, 330, 290, 400, 380, 350, 360, 410, 300) * 6


@pytest.mark.parametrize(
    ("demand", "unit"),
    [
        ((3.0, 0.0, 12.0), 1.0),
        ((0.362, 0.41), 0.001),
        ((0.5, 1.5, 2.0), 0.1),
        ((1 / 3, 2 / 3), 1e-6),
        ((0.1 + 0.2, 0.7), 0.1),
        ((123_456_789.25, 1.0), 0.01),
        ((), 1.0),
    ],
)
def test_the_decimals_of_a_history_say_what_it_is_counted_in(demand: tuple[float, ...], unit: float) -> None:
    assert counting_unit(np.array(demand)) == unit


def test_single_precision_does_not_look_finer_than_it_was_written() -> None:
    assert counting_unit(np.array([0.362, 0.41, 1234.567], dtype=np.float32)) == 0.001


def test_a_stated_unit_stands_while_the_history_is_a_multiple_of_it() -> None:
    assert counting_unit(np.array([0.5, 1.25]), 0.25) == 0.25
    assert counting_unit(np.array([5 / 144, 17 / 144]), 1 / 144) == 1 / 144
    assert counting_unit(np.array([24.0, 7.0]), 12) == 1
    assert counting_unit(np.array([0.3]), 0.25) == 0.1


def test_kilograms_with_decimals_have_the_level_of_grams(make_facts: Make) -> None:
    """Chance counts grams, not kilograms: else 6 kg would be kept where 2.5 sell."""
    kilograms = plan(make_facts(demand=tuple(each / 1000 for each in COFFEE_GRAMS), stock={"on_hand": 0.5}))
    grams = plan(make_facts(demand=COFFEE_GRAMS, stock={"on_hand": 500}))

    assert (kilograms.reorder_point, grams.reorder_point) == (2.633, 2633)
    assert kilograms.implied.cycle_service_level == pytest.approx(grams.implied.cycle_service_level)
    assert kilograms.order_quantity == 3
    assert "0.5 is at or below the reorder point 2.633: order" in kilograms.derivation
    assert "so 2.133 are missing" in kilograms.reason


def test_cases_with_decimals_have_the_level_of_pieces(make_facts: Make) -> None:
    pieces = np.random.default_rng(1).integers(700, 901, 60)
    one_by_one = plan(make_facts(demand=tuple(map(float, pieces)), stock={"on_hand": 2000}, order_multiple=144))
    in_cases = plan(make_facts(demand=tuple(np.round(pieces / 144, 4)), stock={"on_hand": 13.8889}))

    assert in_cases.reorder_point * 144 == pytest.approx(one_by_one.reorder_point, abs=1)
    assert in_cases.order_quantity * 144 == one_by_one.order_quantity
