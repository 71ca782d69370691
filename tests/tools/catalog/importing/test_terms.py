"""Suppliers and products: found by id or name, kept where a file says nothing, refused where a term cannot be."""

from typing import Any

import pytest
import sqlalchemy as sa

from tests.tools.catalog.importing.conftest import reading
from tools.records.errors import InvalidInput
from tools.storage.catalogue_schema import products, suppliers

SUPPLIERS = "supplier_id,supplier_name,currency,lead_time_days\nS1,Müller GmbH,EUR,14\nS2,NorthPack,USD,5\n"


@pytest.fixture
def entries(engine: sa.Engine) -> Any:
    def read(table: sa.Table) -> dict[str, Any]:
        with engine.begin() as connection:
            return {row["id"]: dict(row) for row in connection.execute(sa.select(table)).mappings()}

    return read


@pytest.mark.parametrize("named", ["S1", "Müller GmbH", "  müller   gmbh ", "s1"])
async def test_a_supplier_is_found_by_id_and_by_name(bring: Any, entries: Any, named: str) -> None:
    await bring(SUPPLIERS, f"SKU,Supplier,MOQ\nA1,{named},5\n")
    assert entries(products)["A1"]["supplier_id"] == "S1"
    assert set(entries(suppliers)) == {"S1", "S2"}


async def test_an_unknown_supplier_is_made_and_named(bring: Any, entries: Any) -> None:
    record = await bring("SKU,Supplier,MOQ\nA1,Acme,5\n")
    assert entries(suppliers) == {"Acme": {"id": "Acme", "name": "Acme", "terms": {}}}
    assert any("1 supplier not known before: Acme" in note for note in record.notes)


async def test_the_id_of_a_supplier_made_from_its_name_takes_over_its_products(bring: Any, entries: Any) -> None:
    await bring("SKU,Supplier,MOQ\nA1,NorthPack,5\n")
    record = await bring(SUPPLIERS)
    assert entries(products)["A1"]["supplier_id"] == "S2"
    assert set(entries(suppliers)) == {"S1", "S2"}
    assert any("'NorthPack', made from a name before, is S2 now" in note for note in record.notes)


async def test_a_name_of_two_suppliers_is_asked(bring: Any) -> None:
    await bring("supplier_id,supplier_name,lead_time_days\nS1,Acme,4\nS2,ACME,5\n")
    with pytest.raises(InvalidInput, match=r"may be supplier S1 or S2"):
        await bring("SKU,Supplier,MOQ\nA1,acme,5\n")


async def test_columns_that_a_file_has_not_leave_terms_as_they_are_and_empty_cells_are_the_default(
    bring: Any, entries: Any
) -> None:
    await bring("SKU,Description,MOQ,Pack size,Unit cost\nA1,Bolt,50,10,1.25\n")
    await bring("SKU,MOQ,Unit cost\nA1,,1.5\n")
    assert entries(products)["A1"] == {
        "id": "A1",
        "name": "Bolt",
        "category": "",
        "supplier_id": None,
        "terms": {"order_multiple": 10, "unit_price": 1.5},
    }


async def test_texts_that_are_cut_are_named(bring: Any, entries: Any) -> None:
    record = await bring(f"SKU,Description,MOQ\nA1,{'x' * 300},5\n")
    assert entries(products)["A1"]["name"] == "x" * 200
    assert any("1 text in Description of file1.csv cut after 200" in note for note in record.notes)


async def test_the_currency_of_most_products_is_the_catalogues(bring: Any, own: Any) -> None:
    record = await bring(SUPPLIERS, "SKU,Supplier,Currency,Unit cost\nA1,S1,USD,1\nB2,S1,,2\nC3,S1,,3\n")
    settings = (await own.snapshot()).settings
    assert settings.currency == "EUR"
    assert any("USD is never added to it" in note for note in record.notes)


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        ("A1,0.9999,5,EUR", "Service level", "at most 0.999"),
        ("A1,0.95,5000,EUR", "Lead time (days)", "from 0 to 3,650 days"),
        ("A1,0.95,5,Taler", "Currency", "three letters"),
    ],
)
def test_a_term_that_cannot_be_is_a_fault_with_its_line_and_column(row: str, column: str, said: str) -> None:
    found = reading(f"SKU,Service level,Lead time (days),Currency\nB2,0.9,4,USD\n{row}\n")
    assert [(fault.line, fault.column) for fault in found.faults] == [(3, column)]
    assert said in found.faults[0].problem
    assert list(found.frame["product_id"]) == ["B2"]


async def test_order_days_and_values_of_a_supplier_are_kept(bring: Any, entries: Any) -> None:
    await bring(
        "supplier_id,supplier_name,lead_time_days,min_order_value,free freight,order days\nS1,A,4,250,900,Mo Do\n"
    )
    assert entries(suppliers)["S1"]["terms"] == {
        "lead_time_days": 4,
        "minimum_order_value": 250,
        "free_freight_value": 900,
        "order_days": ["mon", "thu"],
    }
