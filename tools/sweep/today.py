"""Today's list: every product at every location, with what is to be done about it, and the same numbers as its plan.

What triggers is planned in full, because confidence and reason need the whole plan.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from math import fsum

from tools.book.snoozes import Snooze
from tools.catalog.snapshot import Place
from tools.planning.confidence import CalibrationTable
from tools.planning.replenishment import plan_of_working
from tools.planning.working import work_out
from tools.records.errors import InvalidInput
from tools.records.facts import AS_THINGS_ARE, OpenOrder, ProductFacts, Supplier
from tools.sweep.source import Source
from tools.sweep.today_rows import Figures, Label, Standing, TodayRow, missing_row, planned_row, resting_row

FEW = 200
"""So many rows are quicker planned one by one than the whole catalogue is scanned."""


class Today:
    """Makes the rows of one day. `reviews` are the ids of those that wait, and `snoozes` what a person said to leave
    alone, by product and location. `before` made the rows of the same catalogue on the same day."""

    def __init__(
        self,
        source: Source,
        *,
        day: date,
        reviews: Mapping[Place, str] | None = None,
        snoozes: Mapping[Place, Snooze] | None = None,
        calibration: CalibrationTable | None = None,
        before: "Today | None" = None,
    ) -> None:
        self._source, self._day, self._calibration = source, day, calibration
        self._before = before
        self.made: dict[Place, TodayRow] = {}
        self.made_of: dict[Place, object] = {}
        """What the order book says of a place, where it says something."""
        self._reviews, self._snoozes = reviews or {}, snoozes or {}
        self._families: dict[str, list[Place]] = defaultdict(list)
        for place in source.places:
            self._families[place[0]].append(place)

    def rows(self) -> list[TodayRow]:
        """A row for every place of the catalogue, in its order."""
        orders = self._source.touched()
        for place in {*orders, *self._reviews, *self._snoozes}:
            self.made_of[place] = (orders.get(place), self._reviews.get(place), self._snoozes.get(place))
        changed = self._changed()
        at_rest = self._source.at_rest() if len(changed) > FEW else {}
        for place in changed:
            self.made[place] = self._row(place, at_rest.get(place))
        self._before = None
        return [self.made[place] for place in self._source.places]

    def _changed(self) -> Sequence[Place]:
        """The places whose rows must be made. The others are taken over from the list before."""
        before = self._before
        if before is None:
            return self._source.places
        self.made = before.made.copy()
        places = self.made_of.keys() | before.made_of.keys()
        known = places & before.made.keys()
        return [place for place in known if self.made_of.get(place) != before.made_of.get(place)]

    def open_orders(self) -> dict[Place, tuple[OpenOrder, ...]]:
        """Of the places that have any, and can be planned."""
        orders = ((place, self._source.open_orders(place)) for place in self._source.places)
        return {place: known for place, known in orders if known}

    def suppliers(self) -> dict[str, Supplier]:
        """Those of the catalogue's products, by id."""
        of_each = {self.made[place].supplier_id: place for place in reversed(self._source.places)}
        return {identity: self._source.supplier(place) for identity, place in of_each.items()}

    def _row(self, place: Place, at_rest: Figures | None) -> TodayRow:
        label, missing = self._source.label(place), self._source.missing(place)
        if at_rest is not None:
            return resting_row(label, at_rest, self._standing(place), day=self._day)
        if missing is None:
            try:
                return self._worked_out(place, label)
            except InvalidInput as error:
                missing = error.message
        return missing_row(label, missing, self._reviews.get(place))

    def _worked_out(self, place: Place, label: Label) -> TodayRow:
        working, standing = work_out(self._source.facts(place), AS_THINGS_ARE), self._standing(place)
        if working.decision is None:
            return resting_row(label, Figures.of(working), standing, day=self._day)
        found = plan_of_working(working, self._siblings(place))
        return planned_row(label, working, found, standing, day=self._day, table=self._calibration)

    def _standing(self, place: Place) -> Standing:
        orders = self._source.open_orders(place)
        late = tuple(order.reference for order in orders if order.due_in_days < 0)
        next_due = min((order.due_in_days for order in orders if order.due_in_days >= 0), default=None)
        return Standing(
            review_id=self._reviews.get(place),
            late=late,
            snooze=self._snoozes.get(place),
            arrives_in=next_due,
            on_the_way=fsum(order.quantity for order in orders),
            sales=self._source.sales(place, self._day),
        )

    def _siblings(self, place: Place) -> list[ProductFacts]:
        """The same product at other locations, from where it could be moved."""
        family = (other for other in self._families[place[0]] if other != place)
        return [self._source.facts(other) for other in family if not self._source.missing(other)]
