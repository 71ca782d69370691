"""Nothing that a person gives is dropped in silence: each column, row and id of an import is used, or named."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scripts.example import main as write_example
from tests.tools.catalog.importing.conftest import BUYER
from tools.catalog.importing.sources import read_source

KINDS = ("open_orders", "products", "sales", "stock", "suppliers")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, pd.DataFrame]:
    """The example's files, with columns, ids and lines in them that need a word."""
    write_example(tmp_path, today="2026-11-30")
    found = {kind: pd.read_csv(tmp_path / f"{kind}.csv", dtype=str, keep_default_na=False) for kind in KINDS}
    found["stock"]["Shelf"], found["stock"]["Colour"] = "B7", "red"
    found["stock"].loc[len(found["stock"])] = ["ONLY-STOCK", "", "3", "B8", "red"]
    found["sales"].loc[len(found["sales"])] = ["2026-11-20", "SO-1", "ONLY-SALES", "2", "MAIN"]
    found["sales"].loc[len(found["sales"])] = ["2026-11-20", "SO-2", "HEX-100", "-2", "MAIN"]
    found["open_orders"].loc[0, "Supplier"] = "Nobody Ltd"
    return found


async def test_every_column_row_and_id_is_used_or_named(files: Any, store: Any, own: Any) -> None:
    readings = [read_source(frame.to_csv(index=False).encode(), name=kind) for kind, frame in files.items()]
    record = await store.bring_in(readings, BUYER)

    snapshot = await own.snapshot()
    said = "\n".join([*record.notes, *(note for file in record.files for note in file.notes)])
    for file in record.files:
        assert {*file.mapping.values(), *file.unused} == set(files[file.name]), file.name
    assert "Order no" in said
    assert [file.unused for file in record.files if file.name == "stock"] == [("Colour",)]
    assert "not stored: Shelf." in said

    ids = {sku for kind in KINDS[:4] for sku in files[kind]["SKU"]}
    assert set(snapshot.products) == ids
    assert "1 product not known before: ONLY-STOCK" in said
    assert "1 product not known before: ONLY-SALES" in said
    assert {row["id"] for row in snapshot.suppliers.values()} == {"S1", "S2", "S3", "Nobody Ltd"}
    assert "Nobody Ltd" in said

    quantities = pd.to_numeric(files["sales"]["Qty"])
    assert sum(history.quantities.sum() for history in snapshot.histories.values()) == quantities.clip(lower=0).sum()
    assert "returns" in said
    assert sum(row.on_hand for row in snapshot.stock.values()) == pd.to_numeric(files["stock"]["On hand"]).sum()
    assert "1 row of stock without a location" in said
    assert {row["reference"] for row in snapshot.lines} == set(files["open_orders"]["PO"])
    assert sum(row["quantity"] for row in snapshot.lines) == pd.to_numeric(files["open_orders"]["Qty open"]).sum()
