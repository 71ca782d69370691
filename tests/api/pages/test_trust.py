"""The page of trust: what was said, what came of it, and a look back."""

import re
from collections.abc import Callable
from datetime import date
from html import unescape
from threading import Lock
from typing import Any

import numpy as np
import pytest

from api.pages import trust
from api.pages.trust import in_words
from tests.own_catalogue import keep_bolts
from tools.catalog.demand_table import DemandTable
from tools.lookback.calibration_watch import calibration_state
from tools.lookback.rolling_origin import Interval
from tools.planning.confidence import CalibrationTable, ReliabilityBin
from tools.records.errors import InvalidInput
from tools.records.orders import OutcomeReport

NO_TABLE = CalibrationTable(origin="nothing", curves={})


def words(html: str) -> str:
    """What a person reads."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


async def test_the_page_begins_with_a_plain_conclusion(browser: Any) -> None:
    page = (await browser.get("/desk/trust")).text

    assert re.search(
        r"Can it be trusted\? No order has turned out yet\. Of [\d,]+ past proposals that were said to be right with "
        r"9\d %, 9\d % were\.",
        words(page),
    )
    assert 'role="img"' in page
    assert "style=" not in page


async def test_what_was_ordered_stands_with_how_it_turned_out(browser: Any, service: Any, x1: Any) -> None:
    numbers = []
    for name, ran_out, left_over in (("A", False, 3), ("B", True, 0), ("C", False, 1e6)):
        numbers.append((await service.trigger({**x1, "product_id": name})).json()["order"]["number"])
        report = OutcomeReport(order_number=numbers[-1], ran_out=ran_out, left_over=left_over)
        await service.runtime.record_outcome(report, recorded_by="anna")

    page = (await browser.get("/desk/trust")).text

    assert re.search(r"Of 3 orders that were said to be right with \d+ %, 33 % were\.", words(page))
    assert "Placed by itself 1 of 3 right" in words(page)
    for number, said in zip(numbers, ("✓ right", "! ran out", "! too much left"), strict=True):
        assert f'<a href="/desk/orders/{number}">' in page
        assert f"{number} {said}" in words(page)
    assert 'class="other"' in page


def test_without_outcomes_or_calibration_it_says_that_nothing_is_known(calibration: Any) -> None:
    nothing = in_words(calibration(None))

    assert nothing == ("No order has turned out yet, and the confidence is not calibrated: nothing can be said of it.")


def test_before_any_outcome_the_surest_past_proposals_speak(calibration: Any) -> None:
    bins = tuple(
        ReliabilityBin(stratum=stratum, predicted=said, observed=was, count=count, low=0, high=1)
        for stratum, said, was, count in (("all", 0.3, 0.2, 9), ("all", 0.9, 0.87, 40), ("smooth", 0.9, 0.1, 7))
    )

    assert in_words(calibration(NO_TABLE.model_copy(update={"reliability": bins}))) == (
        "No order has turned out yet. Of 40 past proposals that were said to be right with 90 %, 87 % were."
    )


@pytest.fixture
def calibration() -> Callable[[CalibrationTable | None], Any]:
    """What is said of a table before any outcome."""
    return lambda table: calibration_state(table, [], decided={}, today=date(2026, 11, 30))


async def test_a_look_back_is_made_when_asked_for(browser: Any) -> None:
    page = (await browser.get("/desk/trust", backtest="yes", lead_time="5", review="2")).text

    shown = words(page)
    assert "On the sample catalogue: 70 products, 400 periods (one day each); lead time 5, review every 2" in shown
    conclusion = r"With 95 % asked for, you would have held \d+ % more stock .* fewer of [\d,]+ intervals\."
    assert re.search(conclusion, shown.partition("Was it as sure")[0])
    assert "By demand class, where 95 % is asked for" in shown
    assert page.count('<svg class="plot"') == 4
    assert 'name="lead_time" value="5"' in page


async def test_the_usual_lead_time_is_that_of_the_middle_product(browser: Any, service: Any) -> None:
    rows = (await service.runtime.today.present()).rows
    days = sorted(row.lead_time_days for row in rows)

    page = (await browser.get("/desk/trust")).text

    assert f'name="lead_time" value="{(days[34] + days[35]) / 2:.1f}"' in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"lead_time": "soon"}, "is no lead time in days"),
        ({"review": "-1"}, "is no review period in days"),
        ({"lead_time": "900"}, "looking back takes"),
    ],
)
async def test_a_look_back_that_cannot_be_made_is_refused_on_the_page(
    browser: Any, typed: dict[str, str], said: str
) -> None:
    page = await browser.get("/desk/trust", backtest="yes", **typed)

    assert page.status_code == 422
    assert said in words(page.text)
    assert "Was it as sure as it was right?" in page.text


async def test_a_catalogue_too_short_to_look_back_on_says_what_is_needed(browser: Any, service: Any) -> None:
    keep_bolts(service.book.database.engine)

    page = await browser.get("/desk/trust", backtest="yes", lead_time="70")

    assert page.status_code == 422
    assert "The table has 84 periods, which end before orders over 71 of them can be played through" in words(page.text)


async def test_of_a_large_catalogue_some_are_drawn_and_the_page_says_so(
    browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "MOST_PRODUCTS", 12)

    page = words((await browser.get("/desk/trust", backtest="yes")).text)

    assert "12 of 70 products, drawn by chance: always the same ones." in page
    assert "On the sample catalogue: 12 products" in page


async def test_while_one_looks_back_another_is_asked_to_wait(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Lock()
    monkeypatch.setattr(trust, "_looking_back", busy)
    with busy:
        refused = await browser.get("/desk/trust", backtest="yes")
    after = await browser.get("/desk/trust", backtest="yes")

    assert refused.status_code == 503
    assert "Another look back is being made. Try again in a minute." in words(refused.text)
    assert after.status_code == 200


def test_a_look_back_that_fails_lets_the_next_one_in() -> None:
    empty = DemandTable(("A",), np.zeros((1, 60)), "day")
    for _ in range(2):
        with pytest.raises(InvalidInput, match="None of the 1 products"):
            trust._looked_back(empty, Interval(3, 1), None)
