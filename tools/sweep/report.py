"""What a sweep did on one page: placed, waiting, not ordered and why, by supplier, with money by currency."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import get_args

from tools.records.sweeps import Outcome, SupplierTally, SweepLine, SweepReport, Tally

OUTCOMES: tuple[Outcome, ...] = get_args(get_args(Outcome)[0])


def report(lines: Iterable[SweepLine]) -> SweepReport:
    """Count the lines, and order them by what came of them."""
    ordered = sorted(lines, key=lambda line: (OUTCOMES.index(line.outcome), line.supplier, line.product_id))
    by_supplier: dict[tuple[str, str], list[SweepLine]] = defaultdict(list)
    for line in ordered:
        by_supplier[line.supplier.casefold(), line.supplier_id].append(line)
    return SweepReport(
        total=len(ordered),
        ended=sum(line.outcome != "unfinished" for line in ordered),
        outcomes=_by_outcome(ordered),
        only_proposed=tally(line for line in ordered if line.only_proposed),
        suppliers=tuple(
            SupplierTally(supplier_id=own[0].supplier_id, supplier=own[0].supplier, outcomes=_by_outcome(own))
            for _, own in sorted(by_supplier.items())
        ),
        lines=tuple(ordered),
    )


def _by_outcome(lines: Iterable[SweepLine]) -> dict[Outcome, Tally]:
    parts: dict[Outcome, list[SweepLine]] = defaultdict(list)
    for line in lines:
        parts[line.outcome].append(line)
    return {outcome: tally(parts[outcome]) for outcome in OUTCOMES if outcome in parts}


def tally(lines: Iterable[SweepLine]) -> Tally:
    money: dict[str, Decimal] = defaultdict(Decimal)
    count = 0
    for line in lines:
        count += 1
        if line.value is not None:
            money[line.currency] += line.value
    return Tally(products=count, money=dict(sorted(money.items())))
