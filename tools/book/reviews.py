"""Reviews: proposals that wait for a person, and the one decision on each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.audit import Actor
from tools.book.authority import require_authority
from tools.book.expiry import announce, expire_reviews
from tools.book.filters import EVERYTHING, Filters
from tools.book.placing import PENDING_NOW, finish_run, next_version, place_order, record
from tools.book.rows import (
    OVERDUE,
    VIEW_OF_RUN,
    first_row,
    first_view,
    page_size,
    proposal_from,
    review_id,
    review_number,
)
from tools.planning.gate import check_quantity, is_countable
from tools.records.errors import AlreadyDecided, InvalidQuantity, UnknownReview
from tools.records.facts import Mode
from tools.records.orders import (
    DecisionKind,
    Order,
    Proposal,
    ProposalStatus,
    RunView,
)
from tools.records.plan import Action
from tools.storage.database import Store, reads, writes
from tools.storage.schema import decisions, proposals
from tools.storage.types import Now, as_indexed

MAX_QUANTITY = 10**15
"""Every JSON reader keeps whole numbers up to here; no order is near it."""
_PROPOSAL = sa.select(proposals, OVERDUE).where(proposals.c.number == sa.bindparam("of_number"))
_REVIEWED = as_indexed("proposals.status IN ('pending', 'approved', 'rejected', 'expired', 'superseded')")
_DECIDED = {"approve": "approved", "edit": "edited", "reject": "rejected"}


class ReviewRow(NamedTuple):
    """A review in one line."""

    number: int
    product_id: str
    product_name: str
    location: str
    supplier_id: str | None
    supplier_name: str | None
    action: Action
    quantity: float
    unit_price: Decimal | None
    currency: str
    confidence: dict[str, Any]
    status: ProposalStatus
    review_reasons: list[str]
    requested_by: str
    created_at: datetime
    expires_at: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    decision_reason: str | None

    @property
    def id(self) -> str:
        return review_id(self.number)


Sorting = tuple[tuple[sa.ColumnElement[Any], bool], ...]
"""What a list is sorted by, and whether it rises. Never null, and different for every row."""
_NEWEST: Sorting = ((proposals.c.number, False),)
_SUREST: Sorting = ((proposals.c.confidence["value"].as_float(), False), (proposals.c.number, False))


def _dearest(worth: Mapping[str, float]) -> Sorting:
    """What has no price comes last of its currency."""
    currency = proposals.c.currency
    rate = sa.case(dict(worth), value=currency, else_=1.0) if worth else sa.literal(1.0)
    value = sa.cast(proposals.c.unit_price, sa.Float) * proposals.c.quantity * rate
    unknown = sa.case((currency.in_(worth), ""), else_=currency)
    return (unknown, True), (sa.func.coalesce(value, -1.0), False), (proposals.c.number, False)


def _in_order(first: Sequence[str]) -> Sorting:
    """These reviews before the others."""
    places = {review_number(each): place for place, each in enumerate(first)}
    return ((sa.case(places, value=proposals.c.number, else_=len(places)), True),) if places else ()


_ROW = tuple(proposals.c[name] for name in ReviewRow._fields)


class ReviewStore(Store):
    """The review queue. A proposal whose time is over becomes `expired` when it is next read."""

    async def get(self, review_id: str) -> Proposal:
        """One review. Raises UnknownReview."""
        number = review_number(review_id)
        row = await self.database.read(first_row, _PROPOSAL, of_number=number)
        if row is not None and row["overdue"]:
            await expire_reviews(self.database)
            row = await self.database.read(first_row, _PROPOSAL, of_number=number)
        if row is None:
            raise unknown_review(review_id)
        return proposal_from(row)

    async def superseded_by(self, proposal: Proposal) -> Proposal | None:
        """The review whose place this one took, if there is one."""
        return None if proposal.supersedes is None else await self.get(proposal.supersedes)

    async def page(
        self,
        status: ProposalStatus | None = None,
        limit: int = 50,
        before: str | None = None,
        filters: Filters = EVERYTHING,
        worth: Mapping[str, float] | None = None,
        *,
        surest: bool = False,
        first: Sequence[str] = (),
    ) -> list[Proposal]:
        """A page of reviews, newest first, at most 200. `before` is the last id of the page before. Without a status
        all reviews are listed, decided ones too. Raises UnknownReview.

        With the `worth` of a unit of each currency, those of most value come first; then those of currencies that are
        not in it, each currency by itself. With `surest`, those of most confidence come first. Those whose ids are
        `first` come first in that order, before the others."""
        sorting = _SUREST if surest else _NEWEST if worth is None else _dearest(worth)
        sorting = (*_in_order(first), *sorting)
        query = sa.select(proposals).where(*_chosen(status, filters))
        query = query.order_by(*(column.asc() if rises else column.desc() for column, rises in sorting))
        query = query.limit(page_size(limit))
        await expire_reviews(self.database)
        if before is not None:
            query = query.where(await self._after(before, sorting))
        rows = await self.database.read(lambda connection: connection.execute(query).mappings().all())
        return [proposal_from(row) for row in rows]

    async def _after(self, before: str, sorting: Sorting) -> sa.ColumnElement[bool]:
        """What comes after this review. Raises UnknownReview."""
        query = sa.select(*(column for column, _ in sorting)).where(proposals.c.number == review_number(before))
        last = await self.database.read(lambda connection: connection.execute(query).one_or_none())
        if last is None:
            raise unknown_review(before)
        after: sa.ColumnElement[bool] = sa.false()
        same: sa.ColumnElement[bool] = sa.true()
        for (column, rises), value in zip(sorting, last, strict=True):
            after = sa.or_(after, sa.and_(same, column > value if rises else column < value))
            same = sa.and_(same, column == value)
        return after

    async def rows(self, status: ProposalStatus | None = None) -> list[ReviewRow]:
        """Every review, newest first: for sums, and for lists that need no more."""
        query = sa.select(*_ROW).where(*_chosen(status, EVERYTHING)).order_by(proposals.c.number.desc())
        await expire_reviews(self.database)
        return await self.database.read(lambda connection: [ReviewRow(*row) for row in connection.execute(query)])

    @reads
    def count(self, connection: Connection, status: ProposalStatus | None = None, filters: Filters = EVERYTHING) -> int:
        """How many reviews there are in all pages together. Call it after `page`, which lets reviews expire."""
        query = sa.select(sa.func.count()).select_from(proposals).where(*_chosen(status, filters))
        return connection.scalar(query) or 0

    @reads
    def suppliers(self, connection: Connection) -> list[str]:
        """The names of those that something was ever proposed of."""
        name = proposals.c.supplier_name
        return list(connection.scalars(sa.select(name).where(name.is_not(None)).distinct().order_by(name)))

    @reads
    def waiting(self, connection: Connection, mode: Mode) -> dict[tuple[str, str], str]:
        """The newest waiting review of each product and location of a catalogue, by its id."""
        query = sa.select(proposals.c.product_id, proposals.c.location, proposals.c.number)
        query = query.where(PENDING_NOW, proposals.c.mode == mode).order_by(proposals.c.number)
        return {(product, place): review_id(number) for product, place, number in connection.execute(query)}

    @reads
    def figures(self, connection: Connection) -> tuple[int, float]:
        """The number of waiting proposals, and the age of the oldest in seconds (0 if none waits)."""
        query = sa.select(sa.func.count(), sa.func.min(proposals.c.created_at), Now()).where(PENDING_NOW)
        count, oldest, now = connection.execute(query).one()
        return count, 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())

    @writes
    def decide(
        self,
        connection: Connection,
        review_id: str,
        *,
        version: int | None = None,
        decision: DecisionKind,
        quantity: float | None = None,
        reason: str,
        decided_by: str,
        decided_by_id: str = "",
        unit_price: Decimal | None = None,
        supplier: str | None = None,
        override: bool = False,
    ) -> RunView:
        """Decide a waiting proposal. Of any number of attempts exactly one succeeds. The same decision by the same
        person again returns the first result, marked as `standing`.

        One transaction compares and sets (still pending, of this `version` if given, not expired by the database's
        clock), places the order or closes the run, and writes decision, outbox and audit rows. `approve` orders what
        is stored, if that is what the reviewer saw. `edit` orders another quantity within the plan's bounds, or beyond
        them with `override`, which is `review.overridden` on the audit trail. `reject` orders nothing. To approve a
        proposal to order nothing closes its run as `no_action`. The key `decided_by_id` must be allowed to decide,
        within its limits.

        Raises UnknownReview, and AlreadyDecided with who decided what and when, or what has changed. Raises
        InvalidQuantity, OwnOrder and LimitExceeded; then nothing is decided.
        """
        number, by = review_number(review_id), Actor(name=decided_by, id=decided_by_id)
        seen = quantity if decision == "approve" else None
        proposal = _claim(connection, number, version, decision, reason, by)
        if proposal is None:
            return _first_decision(connection, number, version, decision, quantity, by)
        _check_seen(proposal, seen, unit_price, supplier)
        ordered, overridden = _ordered_quantity(proposal, decision, quantity, override=override)
        order = _carry_out(connection, proposal, decision, ordered, by)
        _write_down(connection, proposal, decision, order, reason, by, overridden)
        return _view(connection, proposal.run_id)


def _chosen(status: ProposalStatus | None, filters: Filters) -> list[sa.ColumnElement[bool]]:
    return [_REVIEWED if status is None else proposals.c.status == status, *filters.of_reviews()]


def _claim(
    connection: Connection, number: int, version: int | None, decision: DecisionKind, reason: str, by: Actor
) -> Proposal | None:
    """Compare and set: the proposal as decided, or None if it could not be decided."""
    claim = sa.update(proposals).where(proposals.c.number == number, PENDING_NOW)
    if version is not None:
        claim = claim.where(proposals.c.version == version)
    claim = claim.values(
        status="rejected" if decision == "reject" else "approved",
        decided_at=Now(),
        decided_by=by.name,
        decided_by_id=by.id,
        decision_reason=reason,
    )
    row = connection.execute(claim.returning(*proposals.c)).mappings().first()
    return None if row is None else proposal_from(row)


def _first_decision(
    connection: Connection,
    number: int,
    version: int | None,
    decision: DecisionKind,
    quantity: float | None,
    by: Actor,
) -> RunView:
    """The result of the same earlier decision of the same person. Raises AlreadyDecided otherwise."""
    row = connection.execute(_PROPOSAL, {"of_number": number}).mappings().first()
    if row is None:
        raise unknown_review(review_id(number))
    proposal = proposal_from(row)
    _require_decided(proposal, version, overdue=row["overdue"])
    view = _view(connection, proposal.run_id)
    query = sa.select(decisions).where(decisions.c.proposal_number == number)
    made = connection.execute(query).mappings().one()
    same = (made["decision"], made["decided_by"], made["decided_by_id"]) == (decision, by.name, by.id)
    if same and version in (None, made["proposal_version"]) and quantity in (None, made["quantity"]):
        return view.model_copy(update={"standing": True})
    placed = "nothing was ordered"
    if view.order is not None:
        placed = f"{view.order.items[0].quantity} units ordered as {view.order.number}"
    raise AlreadyDecided(
        f"{proposal.id} was {proposal.status} by {proposal.decided_by} at {proposal.decided_at:%Y-%m-%d %H:%M:%S} UTC "
        f"({placed}); a review is decided only once."
    )


def _require_decided(proposal: Proposal, version: int | None, *, overdue: bool) -> None:
    if proposal.status == "pending" and not overdue:
        raise AlreadyDecided(
            f"{proposal.id} has changed since it was read: it is at version {proposal.version}, not {version}. "
            "Read it again and decide on what it says now."
        )
    if proposal.status in ("pending", "expired"):
        raise AlreadyDecided(
            f"{proposal.id} expired at {proposal.expires_at:%Y-%m-%d %H:%M:%S} UTC; "
            f"trigger {proposal.product_id} again."
        )
    if proposal.status == "superseded":
        raise AlreadyDecided(f"{proposal.id} was superseded. {proposal.decision_reason}")
    if proposal.decided_at is None:
        raise AlreadyDecided(f"{proposal.id} is {proposal.status} and was never open for review.")


def _check_seen(proposal: Proposal, quantity: float | None, unit_price: Decimal | None, supplier: str | None) -> None:
    """Refuse an approval of something other than what is stored. None: the reviewer did not say."""
    suppliers = (proposal.supplier_name, proposal.supplier_id)
    differing = {
        f"the quantity is {proposal.quantity}": quantity not in (None, proposal.quantity),
        f"the unit price is {proposal.unit_price}": unit_price not in (None, proposal.unit_price),
        f"the supplier is {suppliers[0]!r}": supplier not in (None, *suppliers),
    }
    if any(differing.values()):
        says = " and ".join(fact for fact, differs in differing.items() if differs)
        raise AlreadyDecided(
            f"{proposal.id} is not what was decided on: {says}. Read it again and decide on what it says now; "
            "decide 'edit' to order another quantity."
        )


def _ordered_quantity(
    proposal: Proposal, decision: DecisionKind, quantity: float | None, *, override: bool
) -> tuple[float, str | None]:
    """The units to order, and the rule of the plan that is overridden with them. An approval names the proposal's own
    quantity or none (`_check_seen`)."""
    if decision == "reject":
        return 0, None
    if decision == "edit" and (quantity is None or not 0 < quantity <= MAX_QUANTITY):
        raise InvalidQuantity(f"An edit needs the quantity to order, above 0 and at most {MAX_QUANTITY}.")
    ordered = proposal.quantity if quantity is None else quantity
    nothing = decision == "approve" and proposal.action == "none" and not proposal.plan.infeasible
    fault = None if nothing else check_quantity(proposal.plan, ordered)
    if fault and not (override and decision == "edit"):
        raise InvalidQuantity(f"{fault} A reviewer may order it nevertheless, as an override with a reason.")
    if decision == "edit" and not is_countable(proposal.plan, ordered):
        raise InvalidQuantity(f"{ordered} cannot be ordered: the smallest unit is {proposal.plan.unit_size:.6g}.")
    return (0 if nothing else ordered), fault


def _carry_out(
    connection: Connection, proposal: Proposal, decision: DecisionKind, quantity: float, by: Actor
) -> Order | None:
    if quantity:
        version = next_version(connection, proposal.product_id, proposal.mode)
        require_authority(connection, proposal, quantity, by, day=version.taken_at.date().isoformat())
        return place_order(connection, proposal, quantity=quantity, placed_by=by, answered_by=by.id, version=version)
    finish_run(connection, proposal.run_id, "rejected" if decision == "reject" else "no_action")
    return None


def _write_down(
    connection: Connection,
    proposal: Proposal,
    decision: DecisionKind,
    order: Order | None,
    reason: str,
    by: Actor,
    overridden: str | None,
) -> None:
    quantity = None if order is None else order.items[0].quantity
    connection.execute(
        sa.insert(decisions).values(
            proposal_number=review_number(proposal.id),
            proposal_version=proposal.version,
            decision=decision,
            quantity=quantity,
            reason=reason,
            decided_by=by.name,
            decided_by_id=by.id,
            decided_at=proposal.decided_at,
        )
    )
    announce(connection, "review.decided", proposal, decision=decision)
    event, rule = ("overridden", {"overridden": overridden}) if overridden else (_DECIDED[decision], {})
    record(connection, f"review.{event}", proposal, by=by, order=order, reason=reason, **rule)


def _view(connection: Connection, run_id: str) -> RunView:
    view = first_view(connection, VIEW_OF_RUN, run_id=run_id)
    if view is None:
        raise AssertionError("a proposal has a run by its foreign key")
    return view


def unknown_review(identity: str) -> UnknownReview:
    return UnknownReview(f"No review {identity[:40]!r}; open ones are listed under reviews.")
