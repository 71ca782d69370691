"""`restock products`, `restock suppliers` and `restock runs`."""

import asyncio
import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.own_catalogue import ACME, BOLTS, put
from tools.storage import catalogue_schema as tables

SUPPLIERS = "Supplier no,Supplier,Lead time (days),Currency,Order days\nS1,Acme,7,EUR,mon thu\nS2,Best,3,USD,\n"
PRODUCTS = (
    "SKU,Description,Category,Supplier,Unit cost,MOQ\n007,Bolt,fixings,Acme,0.25,10\nA1,Nut,fixings,Best,3,\n"
    "B2,Pipe 50 %,pipes,Best,,\n"
)


@pytest.fixture
def own(run: Any, tmp_path: Path) -> None:
    (tmp_path / "suppliers.csv").write_text(SUPPLIERS)
    (tmp_path / "products.csv").write_text(PRODUCTS)
    assert run("import", "suppliers.csv", "products.csv", "--yes").exit_code == 0


def ids(result: Any) -> list[str]:
    return [json.loads(line)["id"] for line in result.stdout.splitlines()]


@pytest.mark.usefixtures("own")
def test_products_are_listed_filtered_and_gone_on_with(run: Any) -> None:
    screen = run("products")
    assert screen.stdout.splitlines()[0].split()[:3] == ["product_id", "name", "category"]
    assert screen.stdout.splitlines()[1].split()[:3] == ["007", "Bolt", "fixings"]
    assert ids(run("products", "--json")) == ["007", "A1", "B2"]
    assert ids(run("products", "--json", "--supplier", "Best")) == ["A1", "B2"]
    assert ids(run("products", "--json", "--supplier", "S1")) == ["007"]
    assert ids(run("products", "--json", "--category", "pipes")) == ["B2"]
    assert ids(run("products", "--json", "--text", "50 %")) == ["B2"]
    first = run("products", "--limit", "2")
    assert "go on with --after A1." in first.stderr
    assert ids(run("products", "--json", "--after", "A1")) == ["B2"]


@pytest.mark.usefixtures("own")
def test_suppliers_are_listed(run: Any) -> None:
    assert ids(run("suppliers", "--json")) == ["S1", "S2"]
    assert ids(run("suppliers", "--json", "--limit", "1")) == ["S1"]
    assert ids(run("suppliers", "--json", "--after", "S1")) == ["S2"]
    assert "mon thu" in run("suppliers").stdout


@pytest.mark.usefixtures("own")
def test_the_files_are_taken_back_as_they_are(run: Any) -> None:
    for kind in ("suppliers", "products"):
        listed = run(kind, "--csv", f"{kind}_again.csv", "--xlsx", f"{kind}.xlsx")
        assert "rows are in" in listed.stderr
    assert next(csv.reader(StringIO(run("products", "--csv", "-").stdout)))[0] == "product_id"
    again = run("import", "suppliers_again.csv", "products_again.csv", "--yes")
    assert "changed nothing" in again.stdout, again.output
    assert "changed nothing" in run("import", "products.xlsx", "--yes").stdout


def test_a_file_has_every_product_and_the_screen_the_first_twenty(run: Any, tmp_path: Path) -> None:
    run("migrate")
    engine = sa.create_engine(f"sqlite:///{tmp_path}/b.db")
    put(engine, tables.suppliers, ACME)
    put(engine, tables.products, *(BOLTS | {"id": f"P{number:03d}", "terms": {}} for number in range(450)))
    engine.dispose()

    assert len(run("products").stdout.splitlines()) == 21
    assert len(run("products", "--csv", "-").stdout.splitlines()) == 451
    assert ids(run("products", "--json")) == [f"P{number:03d}" for number in range(450)]
    assert len(run("products", "--csv", "-", "--limit", "210").stdout.splitlines()) == 211


async def test_runs_are_listed_filtered_and_gone_on_with(service: Any, run: Any, x1: dict[str, Any]) -> None:
    url = service.runtime.settings.database_url
    for product_id in ("A", "B", "C"):
        await service.trigger(x1 | {"product_id": product_id})

    async def listed(*options: str) -> Any:
        return await asyncio.to_thread(run, "runs", *options, DATABASE_URL=url)

    def products(result: Any) -> str:
        return "".join(json.loads(line)["product_id"] for line in result.stdout.splitlines())

    newest = json.loads((await listed("--json")).stdout.splitlines()[0])
    assert (newest["product_id"], newest["status"], newest["origin"]) == ("C", "executed", "trigger")
    assert products(await listed("--json")) == "CBA"
    assert products(await listed("--json", "--product", "B")) == "B"
    assert products(await listed("--json", "--status", "failed")) == ""
    assert products(await listed("--json", "--before", newest["run_id"])) == "BA"
    screen = await listed("--limit", "1")
    assert f"go on with --before {newest['run_id']}" in screen.stderr
    assert " UTC" in screen.stdout
    rows = list(csv.DictReader(StringIO((await listed("--csv", "-")).stdout)))
    assert [row["product_id"] for row in rows] == ["C", "B", "A"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("products",), 0, "`restock import FILE…` brings products in"),
        (("suppliers",), 0, "`restock import FILE…` brings suppliers in"),
        (("runs",), 0, "There are no such runs."),
        (("runs", "--status", "done"), 2, "There is no status 'done'; use one of queued, running,"),
        (("runs", "--before", "none"), 1, "none"),
        (("products", "--csv", "list.xlsx"), 2, "should end in .csv"),
        (("suppliers", "--limit", "0"), 2, "greater than or equal to 1"),
    ],
)
def test_an_empty_list_and_wrong_use_say_the_right_one(
    run: Any, arguments: tuple[str, ...], code: int, says: str
) -> None:
    result = run(*arguments)
    assert (result.exit_code, says in " ".join(result.stderr.replace("│", " ").split())) == (code, True), result.stderr
    assert result.stdout == ""
