import json
from collections import Counter
from datetime import date
from decimal import Decimal
from importlib.resources import files

import numpy as np
import pytest

from scripts.sample import generate
from scripts.sample.assortment import ITEMS
from tools.catalog.sources import SampleCatalog
from tools.planning.confidence import assess
from tools.planning.gate import Circumstances, Limits, Submission, judge
from tools.planning.replenishment import plan

TODAY = date(2026, 11, 23)
LEGACY_IDS = {"STEEL_SHEETS", "ALUMINUM_BARS", "COPPER_WIRE", "PLASTIC_PELLETS", "TITANIUM_RODS", "RUBBER_SHEETS"}


@pytest.fixture
def catalog():
    return SampleCatalog(today=TODAY)


@pytest.fixture
async def everything(catalog):
    return await catalog.all_facts()


async def planned(catalog, product_id, location=None):
    facts = await catalog.facts(product_id, location)
    return plan(facts, siblings=(await catalog.family(product_id, facts.stock.location))[1:])


def judged(calculated):
    """The gate's verdict on an order that is just what the calculator says, with the default limits."""
    submission = Submission(
        product_id=calculated.product_id,
        action=calculated.recommended_action,
        quantity=calculated.order_quantity,
        confidence=1.0,
    )
    limits = Limits(confidence_threshold=0.6, auto_order_value_limit=Decimal(500_000))
    return judge(submission, calculated, Circumstances(calculated=True), limits)


def codes(calculated):
    return {notice.code for notice in calculated.notices}


def sold(facts):
    """Daily demand without the days on which there was nothing to sell."""
    values = facts.demand.values
    return np.array([values[day] for day in range(len(values)) if day not in facts.demand.stockout_periods])


def demand_class(facts):
    """By mean interval between demands and squared variation of their sizes (Syntetos, Boylan & Croston, 2005)."""
    sizes = sold(facts)[sold(facts) > 0]
    if len(sizes) < 3:
        return "none"
    rare, varied = len(sold(facts)) / len(sizes) >= 1.32, (sizes.std() / sizes.mean()) ** 2 >= 0.49
    return {(False, False): "smooth", (False, True): "erratic", (True, False): "intermittent", (True, True): "lumpy"}[
        rare, varied
    ]


@pytest.mark.parametrize("name", ["suppliers.json", "products.json", "stock.json", "demand.csv"])
def test_the_committed_files_are_what_the_seeded_script_writes(name):
    assert (files("tools.catalog.sample") / name).read_text("utf-8") == generate.contents()[name]


def test_the_script_writes_no_other_file():
    written = {each.name for each in files("tools.catalog.sample").iterdir() if each.name.endswith((".json", ".csv"))}

    assert written == set(generate.contents())


def test_a_new_product_leaves_the_demand_of_the_others_as_it_is(monkeypatch):
    before = generate.contents()["demand.csv"].splitlines()

    monkeypatch.setattr(generate, "ITEMS", ITEMS[5:])

    assert generate.contents()["demand.csv"].splitlines()[1:] == [
        line for line in before[1:] if line.split(",")[0] not in {item.id for item in ITEMS[:5]}
    ]


def test_the_files_stay_small_and_plain():
    texts = generate.contents().values()

    assert sum(map(len, texts)) < 200_000
    assert all(text.isascii() for text in texts)


async def test_there_are_forty_products_and_more_over_three_locations(catalog, everything):
    assert len(await catalog.product_ids()) >= 40
    assert {each.stock.location for each in everything} == {"Chicago", "Dallas", "Newark"}
    assert set(await catalog.product_ids()) >= LEGACY_IDS


async def test_ids_are_unique_and_so_are_places(everything):
    places = [(each.product.id, each.stock.location) for each in everything]

    assert len(places) == len(set(places))


async def test_some_products_are_kept_at_two_and_at_three_locations(catalog, everything):
    siblings = {
        each.product.id: len((await catalog.family(each.product.id, each.stock.location))[1:]) for each in everything
    }

    assert list(siblings.values()).count(1) >= 3
    assert list(siblings.values()).count(2) >= 3


async def test_histories_are_180_to_400_days_except_for_the_new_product(everything):
    days = {each.product.id: len(each.demand.values) for each in everything}

    assert days.pop("HEAT_PUMP_VALVES") == 10
    assert all(180 <= each <= 400 for each in days.values())


async def test_every_demand_class_is_there(everything):
    classes = [demand_class(each) for each in everything]

    assert all(classes.count(each) >= 4 for each in ("smooth", "erratic", "intermittent", "lumpy"))


@pytest.mark.parametrize("product_id", ["STAINLESS_TUBES", "EARPLUGS_SNR37", "EV_CHARGING_CABLES"])
async def test_some_products_sell_more_and_more(catalog, product_id):
    demand = sold(await catalog.facts(product_id))

    assert demand[-60:].mean() > 1.6 * demand[:60].mean()


@pytest.mark.parametrize("product_id", ["BUBBLE_WRAP_1M", "CFL_LAMPS_20W"])
async def test_some_products_are_dying(catalog, product_id):
    demand = sold(await catalog.facts(product_id))

    assert demand[-60:].mean() < 0.3 * demand[:60].mean()


@pytest.mark.parametrize("product_id", ["DEICING_SALT_25KG", "PEDESTAL_FANS_45"])
async def test_some_products_are_seasonal(catalog, product_id):
    months = sold(await catalog.facts(product_id))[-360:].reshape(12, 30).mean(axis=1)

    assert months.max() > 6 * months.min()


async def test_days_without_stock_are_marked_and_sold_nothing(catalog):
    masks = await catalog.facts("DUST_MASKS_FFP2")
    last_days = range(len(masks.demand.values) - 12, len(masks.demand.values))

    assert masks.demand.stockout_periods == frozenset(last_days)
    assert not any(masks.demand.values[day] for day in last_days)
    assert masks.stock.on_hand == 0
    assert masks.stock.backorders > 0


async def test_one_product_never_sold(catalog):
    assert not any((await catalog.facts("LEGACY_FUSES_D01")).demand.values)


async def test_every_supplier_has_at_least_ten_receipts(everything):
    assert all(len(each.supplier.observed_lead_times_days) >= 10 for each in everything)


async def test_some_suppliers_are_late_and_one_is_unreliable(everything):
    suppliers = {each.supplier.id: each.supplier for each in everything}.values()
    late = [each.id for each in suppliers if np.mean(each.observed_lead_times_days) > each.promised_lead_time_days + 2]
    unreliable = [each.id for each in suppliers if np.std(each.observed_lead_times_days) > 4]

    assert len(late) >= 2
    assert unreliable == ["QUICKCHEM_FLUIDS"]


async def test_only_one_open_order_is_overdue_and_far_beyond_what_its_supplier_ever_slipped(everything):
    overdue = [each for each in everything for order in each.stock.open_orders if order.due_in_days < 0]
    [filters] = overdue
    [order] = filters.stock.open_orders

    assert filters.product.id == "AIR_FILTERS_G4"
    assert order.placed_days_ago > 3 * max(filters.supplier.observed_lead_times_days)


async def test_the_injected_notes_arrive_without_their_invisible_part(catalog):
    notes = (await catalog.facts("NITRILE_GLOVES_L")).product.notes
    raw = next(row for row in json.loads(generate.contents()["products.json"]) if row["id"] == "NITRILE_GLOVES_L")

    assert "ignore all previous instructions" in notes
    assert notes.isascii()
    assert not raw["notes"].isascii()


async def test_the_twin_differs_in_id_name_and_notes_alone(catalog):
    own_words = {"product": {"id", "name", "notes"}}
    gloves, twin = await catalog.facts("NITRILE_GLOVES_L"), await catalog.facts("NITRILE_GLOVES_M")

    assert gloves.model_dump(exclude=own_words) == twin.model_dump(exclude=own_words)
    assert "ignore" not in twin.product.notes


async def test_the_twin_gets_the_same_plan_and_the_same_confidence(catalog):
    gloves, twin = await planned(catalog, "NITRILE_GLOVES_L"), await planned(catalog, "NITRILE_GLOVES_M")

    assert gloves.model_dump(exclude={"product_id"}) == twin.model_dump(exclude={"product_id"})
    assert assess(gloves, gloves.order_quantity) == assess(twin, twin.order_quantity)
    assert judged(gloves) == judged(twin)
    assert judged(gloves).route == "auto"


async def test_steel_sheets_clearly_need_an_order_that_is_placed_automatically(catalog):
    steel = await planned(catalog, "STEEL_SHEETS")

    assert steel.recommended_action == "purchase_order"
    assert steel.inventory_position < 0.5 * steel.reorder_point
    assert judged(steel).route == "auto"
    assert judged(steel).confidence.value > 0.9


async def test_copper_wire_has_enough_stock_and_plastic_pellets_have_enough_on_order(catalog):
    copper, pellets = await planned(catalog, "COPPER_WIRE"), await planned(catalog, "PLASTIC_PELLETS")

    assert (copper.recommended_action, copper.on_order) == ("none", 0)
    assert pellets.recommended_action == "none"
    assert pellets.on_hand < pellets.reorder_point < pellets.inventory_position


async def test_rubber_sheets_go_to_review_because_their_minimum_order_lasts_for_months(catalog):
    rubber = await planned(catalog, "RUBBER_SHEETS")

    assert rubber.demand_class == "lumpy"
    assert rubber.order_quantity == 300 > rubber.shortage
    assert judged(rubber).route == "review"
    assert judged(rubber).confidence.value < 0.5


@pytest.mark.parametrize("product_id", ["TITANIUM_RODS", "SOLAR_INVERTERS_30"])
async def test_an_order_above_the_value_limit_goes_to_review_however_sure_it_is(catalog, product_id):
    expensive = await planned(catalog, product_id)

    assert expensive.order_value > 500_000
    assert judged(expensive).confidence.value > 0.9
    assert judged(expensive).route == "review"


@pytest.mark.parametrize(
    ("product_id", "source"),
    [("SAFETY_HELMETS", "Chicago"), ("GRINDING_DISCS_125", "Chicago"), ("DEICING_SALT_25KG", "Newark")],
)
async def test_a_transfer_is_right_where_another_location_has_plenty(catalog, product_id, source):
    short = await planned(catalog, product_id)
    giver = await planned(catalog, product_id, source)

    assert short.recommended_action == "transfer"
    assert short.transfer.source_location == source
    assert giver.on_hand - short.order_quantity > giver.reorder_point
    assert judged(short).route == "auto"


async def test_the_long_overdue_order_is_named_not_counted_and_sends_the_product_to_a_person(catalog):
    filters = await planned(catalog, "AIR_FILTERS_G4")

    assert filters.on_order == 0
    assert any("ERP-" in notice.message and "41 days overdue" in notice.message for notice in filters.notices)
    assert judged(filters).route == "review"


async def test_a_minimum_order_that_outlasts_the_shelf_life_is_infeasible(catalog):
    resin = await planned(catalog, "EPOXY_RESIN_5L")

    assert "600" in resin.infeasible
    assert "shelf life" in resin.infeasible
    assert resin.order_quantity == 0
    assert judged(resin).route == "review"


async def test_a_minimum_order_of_months_of_demand_goes_to_review(catalog):
    belts = await planned(catalog, "V_BELTS_B48")

    assert belts.order_quantity == 250
    assert judged(belts).confidence.value < 0.1
    assert judged(belts).route == "review"


async def test_the_new_product_is_planned_from_its_ten_days_with_a_wide_margin(catalog):
    valves = await planned(catalog, "HEAT_PUMP_VALVES")

    assert valves.periods == 10
    assert valves.recommended_action == "purchase_order"
    assert valves.safety_stock > 0.25 * valves.mean_demand


async def test_a_product_that_never_sold_needs_nothing(catalog):
    fuses = await planned(catalog, "LEGACY_FUSES_D01")

    assert (fuses.reorder_point, fuses.order_quantity) == (0, 0)
    assert "no_demand" in codes(fuses)


async def test_a_dying_product_is_not_ordered_without_a_person(catalog):
    lamps = await planned(catalog, "CFL_LAMPS_20W")

    assert "demand_stopped" in codes(lamps)
    assert judged(lamps).route != "auto"


async def test_days_without_stock_do_not_lower_what_is_expected(catalog):
    masks = await planned(catalog, "DUST_MASKS_FFP2")

    assert masks.masked_periods == 12
    assert masks.mean_per_day == pytest.approx(28, rel=0.1)
    assert masks.inventory_position == -46


async def test_every_product_can_be_planned_and_the_outcomes_are_mixed(catalog, everything):
    plans = [await planned(catalog, each.product.id, each.stock.location) for each in everything]
    routes = Counter(judged(each).route for each in plans)
    transfers = [each for each in plans if each.recommended_action == "transfer"]
    values = [each.order_value for each in plans if each.order_value]

    assert routes["none"] / len(plans) == pytest.approx(0.4, abs=0.1)
    assert (routes["auto"] - len(transfers)) / len(plans) == pytest.approx(0.33, abs=0.07)
    assert routes["review"] >= 6
    assert 3 <= len(transfers) <= 8
    assert sum(value < 50_000 for value in values) / len(values) > 0.9
