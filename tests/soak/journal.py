"""What the clients of a trial were told, kept apart from the service: at the end the database is held against it."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

END_STATES = frozenset({"executed", "no_action", "rejected", "expired", "superseded", "failed"})


@dataclass(frozen=True)
class Ordered:
    """An order as somebody was shown it."""

    number: str
    quantity: int
    total: float | None

    @classmethod
    def of(cls, answer: dict[str, Any]) -> "Ordered | None":
        return cls.told(answer["order"]) if answer.get("order") else None

    @classmethod
    def told(cls, order: dict[str, Any]) -> "Ordered":
        quantity = sum(item["quantity"] for item in order["items"])
        return cls(order["number"], quantity, None if order["total"] is None else float(order["total"]))


@dataclass(frozen=True)
class Review:
    """An order that waits for a person, as somebody was shown it."""

    id: str
    quantity: int
    most: int
    reasons: tuple[str, ...]
    version: int | None = None

    @classmethod
    def of(cls, answer: dict[str, Any]) -> "Review | None":
        """From a trigger's answer or from the list of reviews."""
        if "pending" not in answer["status"]:
            return None
        return cls(
            id=answer["review_id"],
            quantity=answer.get("quantity", answer.get("recommended_quantity")),
            most=answer["calculation"]["maximum_quantity"],
            reasons=tuple(answer["review_reasons"]),
            version=answer.get("version"),
        )


@dataclass(frozen=True)
class Acknowledgement:
    """One answer to one sending of a trigger."""

    key: str
    product_id: str
    run_id: str
    status: str
    order: Ordered | None
    review: Review | None


@dataclass(frozen=True)
class Decided:
    """What one reviewer was told about one decision. `counted`: that it was theirs that counted."""

    review_id: str
    reviewer: str
    decision: str
    counted: bool
    order: Ordered | None


@dataclass
class Journal:
    """Grows while the trial runs. `sent` are the triggers by key, with the product each is about."""

    sent: dict[str, str] = field(default_factory=dict)
    acknowledged: dict[str, list[Acknowledgement]] = field(default_factory=lambda: defaultdict(list))
    decided: dict[str, list[Decided]] = field(default_factory=lambda: defaultdict(list))
    receipts: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """Acknowledged receipts of each order: units by what tells a receipt from another."""
    cancelled: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Acknowledged cancellations of each order, by their reason."""
    unexpected: list[str] = field(default_factory=list)
    """Answers that no client should ever get, such as a 500."""
    unanswered: list[str] = field(default_factory=list)
    """What was sent again and again, and then given up."""
    resent: int = 0
    """How often something had to be sent again: refused, cut off, or no answer in time."""

    def acknowledge(self, key: str, answer: dict[str, Any]) -> Acknowledgement:
        result = answer.get("result") or answer
        entry = Acknowledgement(
            key=key,
            product_id=self.sent[key],
            run_id=answer["run_id"],
            status=answer["status"],
            order=Ordered.of(result),
            review=Review.of(result) if "calculation" in result else None,
        )
        self.acknowledged[key].append(entry)
        return entry

    @property
    def answers(self) -> list[Acknowledgement]:
        return [entry for entries in self.acknowledged.values() for entry in entries]

    @property
    def decisions(self) -> list[Decided]:
        return [entry for entries in self.decided.values() for entry in entries]
