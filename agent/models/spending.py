"""What model calls cost: tokens and dollars by provider and model, within the limits of a run and of a day.

A run's spending is read from its own messages, so it survives a restart. A day's (UTC) is that of all processes: each
counts its own and settles with the others every second.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agent.models.failures import BudgetSpent
from agent.models.guard import tokens

Prices = Mapping[str, tuple[Decimal, Decimal]]
"""Dollars for a million tokens in and out, by `provider:model`."""
LIST_PRICES: Prices = {
    "google_genai:gemini-3.5-flash-lite": (Decimal("0.30"), Decimal("2.50")),
    "google_genai:gemini-3.8-flash": (Decimal("0.75"), Decimal("3.75")),
    "groq:openai/gpt-oss-120b": (Decimal("0.15"), Decimal("0.60")),
}
PER_TOKENS = Decimal(1_000_000)
OWN_VOICE = "graph"
"""The name on a human message that the graph wrote: the run goes on, no new one begins."""
BILLIONTHS = Decimal(1_000_000_000)
"""Dollars are settled in whole billionths, which databases add up exactly."""
LOST_TOKENS, COST = "lost_tokens", "cost"


@dataclass(frozen=True)
class Spend:
    """Tokens in and out, and dollars. `cost` is None when a model without a price was asked: unknown, not free."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal | None = Decimal(0)

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Spend") -> "Spend":
        cost = None if self.cost is None or other.cost is None else self.cost + other.cost
        return Spend(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens, cost)

    def __sub__(self, other: "Spend") -> "Spend":
        return self + Spend(-other.input_tokens, -other.output_tokens, None if other.cost is None else -other.cost)

    def reaches(self, most_tokens: int | None, most_cost: Decimal | None) -> bool:
        """Whether a limit is reached; None is no limit. An unknown cost reaches every limit."""
        if most_tokens is not None and self.tokens >= most_tokens:
            return True
        return most_cost is not None and (self.cost is None or self.cost >= most_cost)

    def as_usage(self) -> dict[str, int]:
        """The amounts as whole numbers by kind, for the sums that all processes share."""
        billionths = int((self.cost or 0) * BILLIONTHS)
        return {"input tokens": self.input_tokens, "output tokens": self.output_tokens, "cost": billionths}

    @classmethod
    def of_usage(cls, usage: Mapping[str, int]) -> "Spend":
        into, out, billionths = (usage.get(kind, 0) for kind in Spend().as_usage())
        return cls(into, out, billionths / BILLIONTHS)

    @classmethod
    def of_message(cls, message: AIMessage) -> "Spend":
        """What an answer has cost, failed attempts before it included."""
        about: dict[str, Any] = message.response_metadata
        (used_in, used_out), (lost_in, lost_out) = tokens(message), about.get(LOST_TOKENS, (0, 0))
        cost = about.get(COST, 0)
        return cls(used_in + lost_in, used_out + lost_out, None if cost is None else Decimal(str(cost)))


AddUsage = Callable[[date, Mapping[str, int]], Awaitable[Mapping[str, int]]]
"""Adds amounts by kind to the sums that all processes share for a day; returns those sums."""


@dataclass(frozen=True)
class SpendingLimits:
    """The most that a run and a day may use; None is no limit."""

    run_tokens: int | None
    run_cost: Decimal | None
    day_tokens: int | None
    day_cost: Decimal | None


class Ledger:
    """Counts what was spent and refuses what would go beyond the limits."""

    def __init__(
        self, *, prices: Prices, limits: SpendingLimits, today: Callable[[], date] = lambda: datetime.now(UTC).date()
    ) -> None:
        self._prices, self._limits, self._today = prices, limits, today
        self._day, self._settled, self._unsettled = today(), Spend(), Spend()

    @property
    def spent_today(self) -> Spend:
        """By all processes when this one last settled, and by this one since; as far as costs are known."""
        self._start_new_day()
        return self._settled + self._unsettled

    async def settle(self, add: AddUsage) -> None:
        """Add what this process has spent since the last time to the day's shared sums, and learn what all have spent.
        Nothing is lost when `add` fails: the next call hands it over."""
        self._start_new_day()
        day, handed_over = self._day, self._unsettled
        total = Spend.of_usage(await add(day, handed_over.as_usage()))
        if day == self._day:
            self._settled, self._unsettled = total, self._unsettled - handed_over

    def objection(self, name: str) -> str:
        """Why `provider:model` may not be asked at all; empty when it may."""
        limited = self._limits.run_cost is not None or self._limits.day_cost is not None
        if name in self._prices or not limited:
            return ""
        return f"cost unknown: no price for {name}; set MODEL_PRICES or switch the money limits off"

    def record(self, name: str, used: tuple[int, int]) -> Spend:
        """Add one call's input and output tokens to the day; returns what they cost."""
        price = self._prices.get(name)
        cost = None if price is None else (used[0] * price[0] + used[1] * price[1]) / PER_TOKENS
        spend = Spend(*used, cost)
        self._start_new_day()
        self._unsettled += replace(spend, cost=cost or Decimal(0))
        return spend

    def refuse_if_spent(self, messages: Sequence[BaseMessage]) -> None:
        """Raise BudgetSpent when the run or the day has reached a limit."""
        run, limits = run_spend(messages), self._limits
        if run.reaches(limits.run_tokens, limits.run_cost):
            cost = "an unknown amount" if run.cost is None else f"${run.cost:.4f}"
            raise BudgetSpent(f"This run has used {run.tokens} tokens and {cost}, which is its limit.")
        if self.spent_today.reaches(limits.day_tokens, limits.day_cost):
            raise BudgetSpent("Today's budget for model calls is used up; it begins anew at midnight UTC.")

    def _start_new_day(self) -> None:
        if self._day != self._today():
            self._day, self._settled, self._unsettled = self._today(), Spend(), Spend()


def run_spend(messages: Sequence[BaseMessage]) -> Spend:
    """What the answers of the run have cost so far."""
    return sum(map(Spend.of_message, run_replies(messages)), Spend())


def run_replies(messages: Sequence[BaseMessage]) -> list[AIMessage]:
    """The answers since a person last spoke, latest first."""
    replies = []
    for message in reversed(messages):
        if isinstance(message, HumanMessage) and message.name != OWN_VOICE:
            break
        if isinstance(message, AIMessage):
            replies.append(message)
    return replies
