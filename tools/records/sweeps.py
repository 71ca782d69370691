"""Sweeps: the whole catalogue decided at once, and what came of it."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, PlainSerializer, WithJsonSchema

from tools.records.facts import CurrencyCode, Location, Mode, ProductId, Quantity, Record

SweepStatus = Annotated[
    Literal["running", "done", "failed"],
    Field(description="`running`: its runs are being recorded or carried out. `failed`: no list could be made."),
]
Outcome = Annotated[
    Literal["placed", "waiting", "not_ordered", "unfinished"],
    Field(
        description="`placed`: an order was placed. `waiting`: a person must decide. `not_ordered`: `reasons` say why. "
        "`unfinished`: its run has not ended."
    ),
]
JsonMoney = Annotated[Decimal, PlainSerializer(float, return_type=float), WithJsonSchema({"type": "number"})]
Sums = dict[str, JsonMoney]
"""Money by currency. Currencies are never added up."""


class SweepItem(Record):
    """A product that triggers, as the list has it when the sweep begins."""

    product_id: str
    name: str
    location: str
    supplier_id: str
    supplier: str
    quantity: Quantity
    value: Decimal | None
    currency: str
    ask_models: bool
    """Whether there is something to read, so that a model is asked."""
    source_location: str | None = None
    run_id: str
    """Follows from the sweep, the product and the location, so that nothing is doubled. An earlier run that answers for
    the same need takes its place."""
    failure: str | None = None
    """Why no run was recorded, if none was."""


class NewSweep(Record):
    id: str
    mode: Mode
    requested_by: str
    requested_by_id: str
    filters: dict[str, Any]
    items: tuple[SweepItem, ...]


class Sweep(NewSweep):
    status: SweepStatus
    created_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    failure: str | None = None

    @property
    def total(self) -> int:
        return len(self.items)


class SweepHead(Record):
    """A sweep without its products, of which there may be thousands."""

    id: str
    mode: Mode
    requested_by: str
    requested_by_id: str
    filters: dict[str, Any]
    status: SweepStatus
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    failure: str | None
    total: int
    """How many products there are."""


class SweepLine(Record):
    """What came of one product."""

    product_id: ProductId
    name: str
    """The product's name."""
    location: Location
    supplier_id: str
    """The supplier's id."""
    supplier: str
    """The supplier's name."""
    outcome: Outcome
    quantity: Quantity
    """Units ordered, proposed, or planned if the run has not ended."""
    value: JsonMoney | None
    """Of the quantity, in `currency`; null where no price is known."""
    currency: CurrencyCode
    source_location: str | None = None
    """Where a move comes from; null for an order from a supplier."""
    run_id: str | None
    """Id of the decision run; null where nothing was recorded."""
    order_number: str | None = None
    """Number of the order, if one was placed."""
    review_id: str | None = None
    """Id of the review, if a person must decide."""
    reasons: tuple[str, ...] = ()
    """Why a person must decide, or why nothing was ordered."""
    decided_by: str = ""
    """Who wrote the proposal: a provider, or `rules`."""
    only_proposed: bool = False
    """It waits only because automatic ordering is off: it would have gone out by itself."""


class Tally(Record):
    """How many products, and their value by currency."""

    products: int
    """Number of products at locations."""
    money: Sums
    """Value by currency. Products without a price are not in it."""


class SupplierTally(Record):
    """What came of one supplier's products."""

    supplier_id: str
    """The supplier's id."""
    supplier: str
    """The supplier's name."""
    outcomes: dict[Outcome, Tally]
    """By what came of them."""


class SweepReport(Record):
    """What a sweep did, on one page."""

    total: int
    """Products that triggered when the sweep began."""
    ended: int
    """Products of which it is known what came of them."""
    outcomes: dict[Outcome, Tally]
    """By what came of them."""
    only_proposed: Tally
    """What waits only because automatic ordering is off, and would have gone out by itself."""
    suppliers: tuple[SupplierTally, ...]
    """The same by supplier, the name first in the alphabet first."""
    lines: tuple[SweepLine, ...]
    """Every product: placed ones, then those that wait, then those not ordered, with the reasons."""
