"""A sale is counted once, whatever documents it left behind; and an account's other side are returns."""

from datetime import date

import pytest

from tools.catalog.reading import FileReading, Kind, read_file
from tools.records.errors import UnclearColumns

TODAY = date(2026, 11, 30)
DAYS = range(1, 9)


def read(text: str, kind: Kind = "sales", **mapping: str) -> FileReading:
    return read_file(text.encode(), name="file.csv", kind=kind, mapping=mapping, today=TODAY)


def ledger(column: str, *kinds: str, product: str = "A1") -> str:
    lines = [f"{product},2026-11-0{day},{day},{kind}" for day in DAYS for kind in kinds]
    return "\n".join((f"sku,date,quantity,{column}", *lines, ""))


@pytest.mark.parametrize(
    ("column", "kinds", "counted"),
    [
        ("Belegart", ("Auftragsbestätigung", "Rechnung"), "Auftragsbestätigung"),
        ("Belegtyp", ("Rechnung", "Lieferschein", "Auftrag"), "Auftrag"),
        ("Document type", ("Order confirmation", "Sales order", "Delivery note", "Invoice"), "Sales order"),
        ("Tipo de documento", ("Albarán", "Factura"), "Albarán"),
        ("Type de pièce", ("Facture", "Bon de livraison", "Commande"), "Commande"),
        ("Belegart", ("LS", "RE"), "LS"),
    ],
)
def test_of_several_documents_of_a_sale_one_counts_and_the_others_are_named(
    column: str, kinds: tuple[str, ...], counted: str
) -> None:
    reading = read(ledger(column, *kinds))

    assert reading.frame["quantity"].tolist() == list(DAYS)
    [note] = [note for note in reading.notes if "documents" in note]
    assert f"{counted} counts, {8 * (len(kinds) - 1)} lines left out" in note
    assert all(f"8 of {kind}" in note for kind in kinds if kind != counted)


def test_a_product_counts_by_the_documents_that_it_has() -> None:
    """What is sold over the counter has invoices only. What was ordered and is still to be delivered counts too."""
    both = ledger("Document type", "Order", "Invoice") + "A1,2026-11-20,50,Order\nB2,2026-11-03,7,Invoice\n"
    found = read(both).frame.groupby("product_id")["quantity"].sum()
    assert found.to_dict() == {"A1": sum(DAYS) + 50, "B2": 7}


def test_documents_of_other_customers_are_other_sales() -> None:
    """Invoices over the counter beside orders by post."""
    lines = [f"A1,2026-11-0{day},{day},{who}" for day in DAYS for who in ("Shop,Invoice", f"C{day},Order")]
    reading = read("\n".join(("sku,date,quantity,customer,Document type", *lines, "")))
    assert reading.frame["quantity"].sum() == 2 * sum(DAYS)


def test_one_kind_of_document_beside_credit_notes_is_read_as_it_is() -> None:
    reading = read(ledger("Document type", "Invoice") + "A1,2026-11-09,3,Credit note\n")
    assert reading.frame["quantity"].sum() == sum(DAYS)
    assert not [note for note in reading.notes if "documents" in note]


def test_a_person_may_say_that_the_documents_are_different_sales() -> None:
    assert read(ledger("Document type", "Order", "Invoice"), movement="").frame["quantity"].sum() == 2 * sum(DAYS)


@pytest.mark.parametrize(
    ("column", "sale", "back"),
    [("S/H", "H", "S"), ("Soll/Haben", "Soll", "Haben"), ("Debit/Credit", "C", "D"), ("Debe/Haber", "Haber", "Debe")],
)
def test_the_rarer_side_of_an_account_is_returned(column: str, sale: str, back: str) -> None:
    reading = read(ledger(column, sale) + f"A1,2026-11-09,3,{back}\n")
    assert reading.frame["quantity"].tolist() == list(DAYS)
    assert any(note.startswith(f"{column}: lines of ") and "1 line is" in note for note in reading.notes)


def test_two_sides_that_are_as_frequent_are_a_question() -> None:
    with pytest.raises(UnclearColumns, match="debit on 8 lines and credit on 8") as error:
        read(ledger("S/H", "S", "H"))
    assert error.value.role == "side"
    assert read(ledger("S/H", "S", "H"), side="").frame["quantity"].sum() == 2 * sum(DAYS)


def test_a_side_beside_signed_quantities_says_nothing_new() -> None:
    reading = read(ledger("S/H", "H") + "A1,2026-11-09,-3,S\n")
    assert reading.frame["quantity"].tolist() == list(DAYS)
    assert any(note.startswith("S/H is not used") for note in reading.notes)


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("EK je 100", "85.00"),
        ("Unit cost (per 1000)", "850"),
        ("Price per 100", "85.00"),
        ("Einkaufspreis/100", "85.00"),
        ("Precio de compra por 100", "85.00"),
        ("EK,Preiseinheit", "85.00,100"),
        ("EK je 100,PE", "850,1000"),
        ("EK je 100,PE", "85.00,"),
    ],
)
def test_a_price_of_several_units_is_that_of_one(header: str, cells: str) -> None:
    reading = read(f"sku,{header}\nA1,{cells}\n", kind="products")
    assert reading.frame["unit_price"].tolist() == pytest.approx([0.85])
    assert any("Prices are for" in note or "is the price of" in note for note in reading.notes)


def test_a_selling_price_of_several_units_is_that_of_one_too() -> None:
    reading = read("sku,date,quantity,VK je 10\nA1,2026-11-01,3,45\n")
    assert reading.frame["price"].tolist() == [4.5]
