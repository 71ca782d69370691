import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tools.catalog.sources import SampleCatalog, no_product
from tools.records.errors import UnknownLocation, UnknownProduct


def undated(each):
    return each.model_dump(exclude={"demand": {"last_period"}})


async def test_without_a_location_the_home_of_the_product_answers_before_its_siblings():
    family = await SampleCatalog().family("SAFETY_HELMETS")
    assert [each.stock.location for each in family] == ["Newark", "Chicago", "Dallas"]

    family = await SampleCatalog().family("SAFETY_HELMETS", "Dallas")
    assert [each.stock.location for each in family] == ["Dallas", "Newark", "Chicago"]


@pytest.mark.parametrize("asked", ["STEEL_SHETS", "steel sheets", "Steel-Sheets", "STEEL"])
async def test_a_near_miss_names_the_product_that_was_meant(asked):
    with pytest.raises(UnknownProduct, match=r"Did you mean .*STEEL_SHEETS"):
        await SampleCatalog().facts(asked)


@pytest.mark.parametrize(("known", "asked"), [("Bolt-7", "BOLT-7"), ("STEEL", "steel"), ("schloß", "SCHLOSS")])
def test_an_id_in_another_case_is_told_how_it_is_spelt(known, asked):
    """No order can come of the other spelling, so none is placed twice for one product of a catalogue."""
    with pytest.raises(UnknownProduct, match=rf"Did you mean {known}\? Ids that differ in upper and lower case"):
        raise no_product(asked, (known, "STEEL_SHEETS"))


async def test_a_far_miss_suggests_no_product():
    with pytest.raises(UnknownProduct, match=r"No product 'Q'\. Search"):
        await SampleCatalog().facts("Q")


async def test_an_unknown_id_is_shown_cleaned_and_cut():
    with pytest.raises(UnknownProduct) as caught:
        await SampleCatalog().facts("\u202eEVIL" + "x" * 10_000)

    assert "'EVILx" in caught.value.message
    assert "\u202e" not in caught.value.message
    assert len(caught.value.message) < 300


async def test_an_unknown_location_names_those_that_stock_the_product():
    with pytest.raises(UnknownLocation, match=r"'Oslo' does not stock COPPER_WIRE.* Chicago or Newark"):
        await SampleCatalog().facts("COPPER_WIRE", "Oslo")


async def test_the_history_of_the_sample_ends_the_day_before_the_given_one():
    for today in (date(2024, 2, 29), date(2031, 7, 5)):
        everything = await SampleCatalog(today=today).all_facts()

        assert {each.demand.last_period for each in everything} == {today - timedelta(days=1)}


async def test_the_history_of_the_sample_ends_yesterday_by_default():
    before = datetime.now(UTC).date()
    steel = await SampleCatalog().facts("STEEL_SHEETS")
    after = datetime.now(UTC).date()

    assert steel.demand.last_period in {before - timedelta(days=1), after - timedelta(days=1)}


async def test_a_move_of_the_date_moves_nothing_else():
    one = await SampleCatalog(today=date(2026, 3, 1)).all_facts()
    other = await SampleCatalog(today=date(2027, 9, 9)).all_facts()

    assert [undated(each) for each in one] == [undated(each) for each in other]


async def test_facts_are_parsed_once():
    first = await SampleCatalog(today=date(2026, 3, 1)).facts("STEEL_SHEETS")

    assert await SampleCatalog(today=date(2026, 3, 1)).facts("STEEL_SHEETS") is first


def test_importing_the_catalogue_reads_no_file_of_the_sample():
    script = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == 'open' else None)\n"
        "import tools.catalog.sources\n"
        "assert not [name for name in opened if '/catalog/sample/' in name and name.endswith(('.json', '.csv'))]\n"
        "tools.catalog.sources.SampleCatalog()\n"
        "assert [name for name in opened if name.endswith('demand.csv')]\n"
    )

    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[3])
