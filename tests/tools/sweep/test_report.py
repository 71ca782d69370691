"""The page of a sweep: counted by outcome and supplier, with money by currency."""

from decimal import Decimal
from typing import Any

from tools.records.sweeps import SweepLine
from tools.sweep.report import report


def line(product_id: str, outcome: str, value: str | None, **about: Any) -> SweepLine:
    given = {
        "product_id": product_id,
        "name": product_id,
        "location": "HQ",
        "supplier_id": "A",
        "supplier": "Acme",
        "outcome": outcome,
        "quantity": 5,
        "value": value,
        "currency": "EUR",
        "run_id": None,
    }
    return SweepLine.model_validate(given | about)


def test_money_is_added_up_by_currency_and_never_over_currencies() -> None:
    found = report(
        [line("A", "placed", "10.10"), line("B", "placed", "5", currency="USD"), line("C", "placed", "0.20")]
    )
    assert found.outcomes["placed"].money == {"EUR": Decimal("10.30"), "USD": Decimal(5)}
    assert found.outcomes["placed"].products == 3


def test_a_product_without_a_price_is_counted_and_adds_no_money() -> None:
    found = report([line("A", "waiting", None)])
    assert (found.outcomes["waiting"].products, found.outcomes["waiting"].money) == (1, {})


def test_each_supplier_has_its_own_outcomes() -> None:
    lines = [
        line("A", "placed", "1", supplier="Zeta", supplier_id="Z"),
        line("B", "waiting", "2"),
        line("C", "placed", "4"),
    ]
    acme, zeta = report(lines).suppliers
    assert (acme.supplier, {name: tally.products for name, tally in acme.outcomes.items()}) == (
        "Acme",
        {"placed": 1, "waiting": 1},
    )
    assert (zeta.supplier_id, zeta.outcomes["placed"].money) == ("Z", {"EUR": Decimal(1)})


def test_what_would_have_gone_out_by_itself_is_counted_beside_what_waits() -> None:
    found = report([line("A", "waiting", "7", only_proposed=True), line("B", "waiting", "2")])
    assert (found.only_proposed.products, found.only_proposed.money) == (1, {"EUR": Decimal(7)})
    assert found.outcomes["waiting"].products == 2


def test_what_has_not_ended_is_not_counted_as_ended() -> None:
    found = report([line("A", "unfinished", "7"), line("B", "not_ordered", None)])
    assert (found.total, found.ended) == (2, 1)
    assert [each.product_id for each in found.lines] == ["B", "A"]
