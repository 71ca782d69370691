"""Plots: what is drawn where, and said in words."""

import re
from datetime import date
from typing import Any
from xml.etree import ElementTree

import pytest

from api.pages.plots import Plot, percents, ticks
from api.pages.product_plots import Sold, demand_bars, projected_stock, sold
from tools.planning.demand import describe
from tools.planning.projection import Point, Projection
from tools.records.facts import DemandHistory

TODAY = date(2026, 11, 28)
LEVELS: dict[str, Any] = {"reorder_point": 60, "safety_stock": 20, "order_by": date(2026, 11, 30)}


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - written here


def falling(out_in_days: float | None = 4.0) -> Projection:
    points = tuple(Point(day, 80 - 20 * day, 80 - 25 * day, 80 - 15 * day) for day in range(8))
    return Projection(points, (), out_in_days)


def test_a_place_is_where_its_share_of_the_axes_is() -> None:
    plot = Plot("a line", x=(0, 10), y=(0, 100))
    plot.line([(0, 0), (10, 100), (5, 50)], "stock")

    [line] = drawn(plot.svg())

    assert line.get("points") == "62.0,240.0 628.0,15.0 345.0,127.5"


def test_what_lies_beyond_the_axes_is_drawn_at_their_end() -> None:
    plot = Plot("a line", x=(0, 10), y=(0, 100))
    plot.line([(-5, -20), (99, 300)], "stock")

    assert drawn(plot.svg())[0].get("points") == "62.0,240.0 628.0,15.0"


def test_words_are_shown_as_text_whatever_they_hold() -> None:
    plot = Plot('"><script>alert(1)</script>', x=(0, 1), y=(0, 1))
    plot.across(0.5, "<b>level</b>")

    svg = plot.svg()

    assert "<script>" not in svg
    assert "<b>" not in svg
    assert drawn(svg).get("aria-label") == '"><script>alert(1)</script>'


@pytest.mark.parametrize("most", [1e-6, 0.7, 3, 99, 1_200, 5e8])
def test_a_scale_has_a_few_round_numbers_in_equal_steps_up_to_the_most(most: float) -> None:
    values = [value for value, _ in ticks(most)]

    assert 4 <= len(values) <= 6
    assert values[0] == 0
    assert 0.75 * most <= values[-1] <= most * (1 + 1e-9)


def test_shares_are_named_in_percent() -> None:
    assert percents(0.85) == [(0.85, "85 %"), (0.9, "90 %"), (0.95, "95 %"), (1.0, "100 %")]


def test_the_stock_names_its_levels_and_the_days_that_count() -> None:
    svg = projected_stock(falling(), today=TODAY, **LEVELS)

    words = [text.text for text in drawn(svg).iter("text")]
    assert {"reorder point 60", "safety stock 20", "out on 2 Dec", "order by 30 Nov", "today"} <= set(words)
    assert 'aria-label="The 80 in stock are gone on 2 Dec at mean demand; an order is due at 60."' in svg


@pytest.mark.parametrize(
    ("out", "said"),
    [
        (0.0, "The 80 in stock are gone already at mean demand"),
        (None, "Of 80 in stock and what arrives, -60 are left on 5 Dec"),
        (7.5, "Of 80 in stock and what arrives, -60 are left on 5 Dec"),
    ],
)
def test_the_sentence_on_the_stock_says_when_it_is_gone_if_that_is_shown(out: float | None, said: str) -> None:
    svg = projected_stock(falling(out), today=TODAY, **LEVELS)

    assert said in svg
    assert ("out" in svg.partition("<text")[2]) == (out == 0)


def test_days_that_are_over_or_far_ahead_are_no_marks() -> None:
    for order_by in (None, date(2026, 11, 27), date(2027, 6, 1)):
        assert "order by" not in projected_stock(falling(), today=TODAY, **LEVELS | {"order_by": order_by})


def test_no_safety_stock_is_no_line() -> None:
    assert "safety stock" not in projected_stock(
        falling(), today=TODAY, **LEVELS | {"safety_stock": -3, "order_by": None}
    )


def test_an_order_adds_a_dashed_line() -> None:
    one, two = (
        projected_stock(falling(), today=TODAY, ordered=ordered, **LEVELS).count('class="ahead"')
        for ordered in (None, falling())
    )
    assert (one, two) == (0, 1)


def test_periods_that_are_to_be_noted_have_a_sign_each() -> None:
    values = (*(10.0, 12.0, 9.0, 11.0) * 5, 90.0, None, 0.0, 10.0)
    history = DemandHistory(values=values, last_period=TODAY, stockout_periods=frozenset({22}), promotion_periods={23})

    periods = sold(history, describe(history))
    svg = demand_bars(periods, 12)

    assert [each.notes for each in periods[-4:]] == [
        ("unusually much",),
        ("not known",),
        ("out of stock",),
        ("promotion",),
    ]
    assert periods[-1].begins == TODAY
    assert periods[0].begins == date(2026, 11, 5)
    assert {"▲", "?", "×", "★", "forecast 12"} <= {text.text for text in drawn(svg).iter("text")}
    assert "lay between 0 and 90; 12 a period are forecast" in svg


def test_what_sold_unusually_much_while_out_of_stock_is_no_outlier() -> None:
    history = DemandHistory(values=(*(10.0, 12.0, 9.0, 11.0) * 5, 90.0), stockout_periods=frozenset({20}))

    assert sold(history, describe(history))[-1].notes == ("out of stock",)


def test_only_the_latest_periods_are_drawn() -> None:
    history = DemandHistory(values=tuple(float(value) for value in range(500)), last_period=TODAY)

    periods = sold(history, describe(history))

    assert [periods[0].value, periods[-1].value] == [380, 499]
    assert len(re.findall("<rect", demand_bars(periods, 1))) == 120


def test_nothing_sold_and_nothing_known_can_be_drawn() -> None:
    for value in (0.0, None):
        svg = demand_bars([Sold(None, value, ())] * 3, 0)
        assert len(drawn(svg).findall("rect")) == 3
