"""The backtest as a file, and its plots."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from api.pages.lookback_plots import achieved, reliability_plot, stock_against_service
from api.pages.report import backtest_report, write_report
from tools.catalog.demand_table import DemandTable
from tools.lookback.backtest import Backtest, backtest
from tools.lookback.rolling_origin import Interval
from tools.lookback.simulation import OrderTerms
from tools.planning.confidence import ReliabilityBin
from tools.records.errors import InvalidInput
from tools.records.text import percent


@pytest.fixture(scope="module")
def found() -> Backtest:
    random = np.random.default_rng(4)
    level = random.uniform(0.5, 25, (30, 1))
    demand = (random.random((30, 90)) < 0.6) * random.poisson(level * random.lognormal(0, 1, (30, 90)))
    names = tuple(f"P<{index}>" for index in range(30))
    table = DemandTable(names, demand.astype(float), "day", level[:, 0], notes=("<i>a note</i>",))
    terms = OrderTerms(minimum_order_quantity=5, backorders=False)
    return backtest(table, Interval(lead_time=5, review_period=2), terms=terms, step=3, asked=(0.8, 0.95))


def test_the_report_needs_nothing_but_itself(found: Backtest) -> None:
    page = backtest_report(found, name="sales <b>.csv")

    assert page.startswith("<!doctype html>")
    assert not re.search(r'(src|href|url\()="?', page)
    assert "sales &lt;b&gt;.csv" in page
    assert "&lt;i&gt;a note&lt;/i&gt;" in page
    assert page.count('role="img"') == 3
    assert "Unmet demand is lost; minimum order 5, multiple 1; holding 20 %" in page
    assert "30 products, 90 periods (one day each); lead time 5, review every 2" in page


def test_a_figure_too_far_below_what_was_asked_is_marked_by_more_than_colour(found: Backtest) -> None:
    row = found.coverage[0]
    barely, too_far = (
        backtest_report(replace(found, coverage=[replace(row, asked=0.9, achieved=0.9 - off, textbook=0.9)]), name="x")
        for off in (0.0149, 0.0151)
    )
    assert '<span class="late">! -1.5</span>' in too_far
    assert "! -1" not in barely


def test_few_moments_are_told_with_a_word_of_doubt(found: Backtest) -> None:
    assert "Only 199 past moments" in backtest_report(replace(found, origins=199), name="x")
    assert "Only" not in backtest_report(replace(found, origins=200), name="x")


def test_a_report_without_factors_or_prices_says_so(found: Backtest) -> None:
    bare = replace(found, pooled=[], table=replace(found.table, unit_prices=None))

    page = backtest_report(bare, name="x")

    assert "Too few products with thirty moments each" in page
    assert "price 1 a unit" in page


def test_a_place_that_cannot_be_written_to_is_named(found: Backtest, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"The report cannot be written to .*nowhere"):
        write_report(found, tmp_path / "nowhere" / "report.html", name="x")


def test_the_service_is_drawn_and_said_beside_the_textbook_s(found: Backtest) -> None:
    svg = achieved(found)

    first, second = [row for row in found.coverage if row.group == "all"]
    assert f"Asked 80 %, 95 %, ours covered {percent(round(first.achieved, 3))}, " in svg
    assert f"the textbook&#39;s level {percent(round(first.textbook, 3))}, {percent(round(second.textbook, 3))}." in svg
    assert svg.count("<circle") == svg.count("<rect") == 2


def test_the_stock_is_drawn_and_said_beside_the_textbook_s(found: Backtest) -> None:
    svg = stock_against_service(found)

    assert re.search(r"ours [\d,.]+ units for [\d.]+ % and the textbook&#39;s [\d,.]+ units for [\d.]+ %", svg)
    assert svg.count("<circle") == svg.count("<rect") == 2


def test_confidence_that_holds_lies_on_the_diagonal() -> None:
    holds = ReliabilityBin(stratum="all", predicted=0.5, observed=0.5, count=40, low=0.4, high=0.6)

    svg = reliability_plot([("dot", [holds]), ("other", [holds])])

    assert "Of 40 orders said to be right with 50 %, 50 % were;" in svg
    assert '<circle class="dot" cx="345.0" cy="127.5" r="4.5"/>' in svg
    assert '<rect class="other" x="341.0" y="123.5"' in svg
    assert svg.count('class="whisker"') == 2
