"""Column names in more words, or shorter, than the known ones."""

from collections.abc import Mapping

import pytest

from tools.catalog.reading import Kind, UnclearColumns
from tools.catalog.reading.mapping import kind_of, mapped

FILES: Mapping[Kind, Mapping[str, str]] = {
    "suppliers": {
        "supplier_id": "Lief.-Nr.",
        "supplier_name": "Bezeichnung 1",
        "minimum_order_value": "Min.-Bestellwert",
    },
    "products": {
        "product_id": "ArtNr",
        "name": "Bez.",
        "unit_price": "Letzter EK netto",
        "minimum_order_quantity": "Mindestbestellmg.",
        "order_multiple": "Verp.-Einheit",
        "supplier": "Lief.",
        "lead_time_days": "Durchschnittl. Lieferzeit",
    },
    "stock": {"product_id": "Mat.-Nr.", "location": "Warehouse code", "on_hand": "Aktueller Bestand (Stk)"},
    "sales": {
        "product_id": "Art.-Nr.",
        "date": "Re.-Datum",
        "quantity": "Menge ME",
        "customer": "Kd.-Nr.",
        "document": "Bel.-Nr.",
    },
    "open_orders": {
        "product_id": "Nr.",
        "reference": "Best.-Nr.",
        "supplier": "Preferred supplier",
        "quantity": "Offene Mg.",
        "due_date": "Voraussichtlicher Liefertermin",
    },
}


@pytest.mark.parametrize("kind", FILES)
def test_a_name_may_be_short_or_have_a_word_beside_what_it_says(kind: Kind) -> None:
    columns = list(FILES[kind].values())

    assert kind_of(columns, {}, wide=False) == kind
    assert mapped(columns, kind, {}).columns == FILES[kind]


def test_a_known_name_goes_before_one_that_is_like_it() -> None:
    found = mapped(["Artikelnr.", "Letzter EK", "EK", "Confirmed delivery date", "ETA"], "products", {})
    assert found.columns["unit_price"] == "EK"


def test_two_that_are_like_one_name_are_a_question() -> None:
    found = mapped(["SKU", "Last unit cost", "Average unit cost"], "products", {})
    assert found.unclear == {"unit_price": ("Last unit cost", "Average unit cost")}


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("sales", "Last sale date"),
        ("sales", "Letztes Verkaufsdatum"),
        ("stock", "Mindestbestand"),
        ("stock", "Reserved stock"),
        ("products", "Mindestbestand"),
    ],
)
def test_a_word_that_changes_what_a_name_says_is_kept(kind: Kind, column: str) -> None:
    assert mapped(["SKU", column], kind, {}).columns == {"product_id": "SKU"}


def test_lines_of_products_are_no_suppliers_though_no_column_is_known_for_the_product() -> None:
    columns = ["Ident", "Lieferant", "Lieferzeit (Tage)", "EK-Preis", "Mindestbestellmenge", "Währung"]
    with pytest.raises(UnclearColumns, match="No kind of file has these columns"):
        kind_of(columns, {}, wide=False)
