"""What model calls cost, and the limits of a run and of a day.

A run's spending is read from its messages, so it survives a restart. A day's (UTC) is that of all processes: each
counts its own and adds it to the shared sums every second.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agent.models.failures import BudgetSpent

Prices = Mapping[str, tuple[Decimal, Decimal]]
"""Dollars for a million tokens in and out, by `provider:model`."""
LIST_PRICES: Prices = {
    "google_genai:gemini-3.5-flash-lite": (Decimal("0.30"), Decimal("2.50")),
    "google_genai:gemini-3.8-flash": (Decimal("0.75"), Decimal("3.75")),
    "groq:openai/gpt-oss-120b": (Decimal("0.15"), Decimal("0.60")),
}
CALL_BUDGET = 6
"""Model calls of one run or chat answer at the most."""
RUN_TOKENS = 60_000
"""Tokens of one run or chat answer, in and out: far more than any that does not go round in circles."""
PER_TOKENS = Decimal(1_000_000)
OWN_VOICE = "graph"
"""Name of human messages that the graph wrote itself; they do not begin a new run."""
BILLIONTHS = Decimal(1_000_000_000)
"""Dollars are shared as whole billionths, which databases add exactly."""
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

    def reaches(self, most_cost: Decimal | None) -> bool:
        """Whether the limit is reached. None is no limit; an unknown cost reaches every limit."""
        return most_cost is not None and (self.cost is None or self.cost >= most_cost)

    def as_usage(self) -> dict[str, int]:
        """The amounts as whole numbers by kind, for the shared sums."""
        billionths = int((self.cost or 0) * BILLIONTHS)
        return {"input tokens": self.input_tokens, "output tokens": self.output_tokens, "cost": billionths}

    @classmethod
    def of_usage(cls, usage: Mapping[str, int]) -> "Spend":
        into, out, billionths = (usage.get(kind, 0) for kind in Spend().as_usage())
        return cls(into, out, billionths / BILLIONTHS)

    @classmethod
    def of_message(cls, message: AIMessage) -> "Spend":
        """The cost of an answer, with that of failed attempts before it."""
        about: dict[str, Any] = message.response_metadata
        (used_in, used_out), (lost_in, lost_out) = tokens(message), about.get(LOST_TOKENS, (0, 0))
        cost = about.get(COST, 0)
        return cls(used_in + lost_in, used_out + lost_out, None if cost is None else Decimal(str(cost)))


AddUsage = Callable[[date, Mapping[str, int]], Awaitable[Mapping[str, int]]]
"""Adds amounts by kind to the shared sums of a day, and returns the sums."""


@dataclass(frozen=True)
class SpendingLimits:
    """The most that a run and a day may cost; None is no limit."""

    run_cost: Decimal | None
    day_cost: Decimal | None


class Ledger:
    """Counts spending and refuses calls beyond the limits."""

    def __init__(
        self, *, prices: Prices, limits: SpendingLimits, today: Callable[[], date] = lambda: datetime.now(UTC).date()
    ) -> None:
        self._prices: Prices = {**LIST_PRICES, **prices}
        self._limits, self._today = limits, today
        self._day, self._settled, self._unsettled = today(), Spend(), Spend()

    @property
    def spent_today(self) -> Spend:
        """Spending of all processes at the last settling, and of this one since, as far as costs are known."""
        self._start_new_day()
        return self._settled + self._unsettled

    async def settle(self, add: AddUsage) -> None:
        """Add what this process spent since the last time to the shared sums, and read them. If `add` fails, the next
        call adds it."""
        self._start_new_day()
        day, handed_over = self._day, self._unsettled
        total = Spend.of_usage(await add(day, handed_over.as_usage()))
        if day == self._day:
            self._settled, self._unsettled = total, self._unsettled - handed_over

    def objection(self, name: str) -> str:
        """Why `provider:model` may never be asked; empty if it may."""
        limited = self._limits.run_cost is not None or self._limits.day_cost is not None
        if name in self._prices or not limited:
            return ""
        return f"cost unknown: no price for {name}; set MODEL_PRICES or switch the money limits off"

    def record(self, name: str, used: tuple[int, int]) -> Spend:
        """Add a call's tokens to the day, and return their cost."""
        price = self._prices.get(name)
        cost = None if price is None else (used[0] * price[0] + used[1] * price[1]) / PER_TOKENS
        spend = Spend(*used, cost)
        self._start_new_day()
        self._unsettled += replace(spend, cost=cost or Decimal(0))
        return spend

    def refuse_if_spent(self, messages: Sequence[BaseMessage]) -> None:
        """Raise BudgetSpent if the run or the day has reached a limit."""
        run, limits = run_spend(messages), self._limits
        if run.tokens >= RUN_TOKENS or run.reaches(limits.run_cost):
            cost = "an unknown amount" if run.cost is None else f"${run.cost:.4f}"
            raise BudgetSpent(f"This run has used {run.tokens} tokens and {cost}, which is its limit.")
        if self.spent_today.reaches(limits.day_cost):
            raise BudgetSpent("Today's budget for model calls is used up; it begins anew at midnight UTC.")

    def _start_new_day(self) -> None:
        if self._day != self._today():
            self._day, self._settled, self._unsettled = self._today(), Spend(), Spend()


def run_spend(messages: Sequence[BaseMessage]) -> Spend:
    """The cost of the run so far."""
    return sum(map(Spend.of_message, run_replies(messages)), Spend())


def tokens(message: AIMessage) -> tuple[int, int]:
    """Input and output tokens that an answer reports; (0, 0) when it reports none."""
    usage = message.usage_metadata
    return (usage["input_tokens"], usage["output_tokens"]) if usage else (0, 0)


def run_replies(messages: Sequence[BaseMessage]) -> list[AIMessage]:
    """The answers since the last message of a person, latest first."""
    replies = []
    for message in reversed(messages):
        if isinstance(message, HumanMessage) and message.name != OWN_VOICE:
            break
        if isinstance(message, AIMessage):
            replies.append(message)
    return replies
