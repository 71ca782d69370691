"""A breaker for each provider: after several failures it is not asked for a while, then tried with one call."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal

from agent.models.failures import CERTAIN, OUTAGES, ModelFailure

State = Literal["closed", "open", "half_open"]
LONGEST_COOLDOWN_SECONDS = 300.0


@dataclass(eq=False)
class Circuit:
    """closed → open after `threshold` failures in a row, or one that is sure to repeat → half-open once the cool-down
    is over: a single trial → closed, or open for twice as long. The provider's own hint replaces the cool-down."""

    threshold: int = 3
    cooldown_seconds: float = 15.0
    clock: Callable[[], float] = monotonic
    changed: Callable[[bool], None] = field(default=lambda _: None)
    """Called at every change, with True while the provider is left out."""
    state: State = "closed"
    cause: str | None = None
    _failures: int = 0
    _openings: int = 0
    _until: float = 0.0

    def admits(self) -> bool:
        """Whether a call may be made now. In the half-open state the first to ask gets the trial."""
        if self.state == "closed":
            return True
        if self.state == "open" and self.clock() >= self._until:
            self.state = "half_open"
            return True
        return False

    def succeeded(self) -> None:
        """Close the circuit. Calls that began before it opened do not count."""
        if self.state == "open":
            return
        self._failures = self._openings = 0
        self.cause = None
        self._move("closed")

    def failed(self, failure: ModelFailure) -> None:
        if failure.reason not in OUTAGES:
            self.abandoned()
            return
        self._failures += 1
        certain = failure.reason in CERTAIN
        if self.state == "open":
            self._until = max(self._until, self.clock() + (failure.retry_after or 0.0))
        elif certain or self.state == "half_open" or self._failures >= self.threshold:
            self._open(failure)

    def abandoned(self) -> None:
        """The call ended without saying anything about the provider; the next one gets the trial."""
        if self.state == "half_open":
            self.state = "open"

    def retry_in(self) -> float:
        """Seconds until the next trial; 0 when calls are let through."""
        return max(self._until - self.clock(), 0.0) if self.state == "open" else 0.0

    def _open(self, failure: ModelFailure) -> None:
        self._openings += 1
        cooldown = min(self.cooldown_seconds * 2.0 ** (self._openings - 1), LONGEST_COOLDOWN_SECONDS)
        if failure.reason == "bad_key":
            cooldown = LONGEST_COOLDOWN_SECONDS
        self._until = self.clock() + (cooldown if failure.retry_after is None else failure.retry_after)
        self.cause = failure.reason
        self._move("open")

    def _move(self, state: State) -> None:
        was, self.state = self.state, state
        if was != state:
            self.changed(state != "closed")
