"""What can be chosen of a file that cannot be read yet."""

from tools.catalog.reading import choices

SALES = b"SKU,Date,Qty,Pieces\nA1,2026-01-05,2,3\nA1,2026-01-06,,3\n"


def test_kind_columns_and_a_few_values_are_there_although_a_column_is_unclear() -> None:
    found = choices(SALES, name="sales.csv")
    assert found is not None
    assert (found.kind, found.mapping) == ("sales", {"product_id": "SKU", "date": "Date"})
    assert found.columns == {"SKU": ["A1"], "Date": ["2026-01-05", "2026-01-06"], "Qty": ["2"], "Pieces": ["3"]}


def test_what_was_said_of_it_is_taken_up_and_what_does_not_fit_is_not() -> None:
    said = choices(SALES, name="sales.csv", kind="sales", mapping={"quantity": "Pieces"})
    stale = choices(SALES, name="sales.csv", kind="sales", mapping={"quantity": "Of another sheet"})
    assert said is not None
    assert said.mapping["quantity"] == "Pieces"
    assert stale is not None
    assert "quantity" not in stale.mapping


def test_a_file_of_no_known_kind_has_its_columns_only() -> None:
    found = choices(b"Thing,Number\nx,1\n", name="a.csv")
    assert found is not None
    assert (found.kind, found.mapping, list(found.columns)) == (None, {}, ["Thing", "Number"])


def test_what_is_no_table_offers_nothing() -> None:
    assert choices(b"\x00\x01\x00\x00\x00\x00", name="picture.png") is None
