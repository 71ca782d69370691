"""What model calls cost: tokens and money by provider and model, held within a run's and a day's limits.

A run's spending is read from its own messages, so it needs no store and survives a restart. A day's (UTC) is that of
all processes: each counts its own and, every second or so, settles with the others.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from math import inf

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agent.models.failures import BudgetSpent
from agent.models.guard import tokens
from agent.settings import Settings

PER_TOKENS = Decimal(1_000_000)
OWN_VOICE = "graph"
"""The name on a human message that no person wrote: it goes on with the run and begins no new one."""
BILLIONTHS = Decimal(1_000_000_000)
"""Dollars are settled in whole billionths, which databases add up exactly."""
LOST_TOKENS = "lost_tokens"
COST = "cost"


@dataclass(frozen=True)
class Spend:
    """Tokens in and out, and dollars. A model without a price costs tokens and no dollars."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Spend") -> "Spend":
        return Spend(
            self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens, self.cost + other.cost
        )

    def __sub__(self, other: "Spend") -> "Spend":
        return Spend(
            self.input_tokens - other.input_tokens, self.output_tokens - other.output_tokens, self.cost - other.cost
        )

    def as_usage(self) -> dict[str, int]:
        """The amounts as whole numbers by kind, for the sums that all processes share."""
        billionths = int(self.cost * BILLIONTHS)
        return {"input tokens": self.input_tokens, "output tokens": self.output_tokens, "cost": billionths}

    @classmethod
    def of_usage(cls, usage: Mapping[str, int]) -> "Spend":
        into, out, billionths = (usage.get(kind, 0) for kind in Spend().as_usage())
        return cls(into, out, billionths / BILLIONTHS)


AddUsage = Callable[[date, Mapping[str, int]], Awaitable[Mapping[str, int]]]
"""Adds amounts by kind to the sums that all processes share for a day; returns those sums."""


@dataclass(frozen=True)
class SpendingLimits:
    run_tokens: float
    run_cost: Decimal
    day_tokens: float
    day_cost: Decimal

    @classmethod
    def of(cls, settings: Settings) -> "SpendingLimits":
        return cls(
            run_tokens=settings.run_token_limit or inf,
            run_cost=settings.run_cost_limit or Decimal(inf),
            day_tokens=settings.day_token_limit or inf,
            day_cost=settings.day_cost_limit or Decimal(inf),
        )


class Ledger:
    """Counts what was spent and says when it is enough."""

    def __init__(
        self,
        *,
        prices: Mapping[str, tuple[Decimal, Decimal]],
        limits: SpendingLimits,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self._prices, self._limits, self._today = prices, limits, today
        self._day, self._settled, self._unsettled = today(), Spend(), Spend()

    @property
    def spent_today(self) -> Spend:
        """By all processes when this one last settled, and by this one since."""
        self._turn_the_page()
        return self._settled + self._unsettled

    async def settle(self, add: AddUsage) -> None:
        """Add what this process has spent since the last time to the day's shared sums, and learn what all have spent.
        Nothing is forgotten when `add` fails: the next call hands it over."""
        self._turn_the_page()
        day, handed_over = self._day, self._unsettled
        total = Spend.of_usage(await add(day, handed_over.as_usage()))
        if day == self._day:
            self._settled, self._unsettled = total, self._unsettled - handed_over

    def priced(self, name: str) -> bool:
        """Whether `provider:model` has a price."""
        return name in self._prices

    def record(self, name: str, used: tuple[int, int]) -> Spend:
        """Add one call's input and output tokens to the day; returns what they cost."""
        into, out = self._prices.get(name, (Decimal(0), Decimal(0)))
        spend = Spend(*used, cost=(used[0] * into + used[1] * out) / PER_TOKENS)
        self._turn_the_page()
        self._unsettled += spend
        return spend

    def refuse_if_spent(self, messages: Sequence[BaseMessage]) -> None:
        """Raise BudgetSpent when the run or the day has reached a limit."""
        run, day, limits = run_spend(messages), self.spent_today, self._limits
        if run.tokens >= limits.run_tokens or run.cost >= limits.run_cost:
            raise BudgetSpent(f"This run has used {run.tokens} tokens and ${run.cost:.4f}, which is its limit.")
        if day.tokens >= limits.day_tokens or day.cost >= limits.day_cost:
            raise BudgetSpent("Today's budget for model calls is used up; it begins anew at midnight UTC.")

    def _turn_the_page(self) -> None:
        if self._day != self._today():
            self._day, self._settled, self._unsettled = self._today(), Spend(), Spend()


def run_spend(messages: Sequence[BaseMessage]) -> Spend:
    """What the answers of the run have cost so far, failed attempts included."""
    return sum((_message_spend(message) for message in run_replies(messages)), Spend())


def run_replies(messages: Sequence[BaseMessage]) -> list[AIMessage]:
    """The answers since a person last spoke, latest first."""
    replies = []
    for message in reversed(messages):
        if isinstance(message, HumanMessage) and message.name != OWN_VOICE:
            break
        if isinstance(message, AIMessage):
            replies.append(message)
    return replies


def _message_spend(message: AIMessage) -> Spend:
    lost_in, lost_out = message.response_metadata.get(LOST_TOKENS, (0, 0))
    used_in, used_out = tokens(message)
    return Spend(used_in + lost_in, used_out + lost_out, Decimal(str(message.response_metadata.get(COST, 0))))
