"""What goes wrong with a model call, told apart by what to do about it.

    ModelFailure        one model did not give a usable answer; `reason` says why
    NoModelLeft         every model failed, and the rules model is off
    └── BudgetSpent     the run's or the day's tokens or money are used up: no model may be asked

Clients raise five families of exceptions for the same things, so they are told apart by status, cause and body first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite
from time import time
from typing import Any, Literal

from tools.records.errors import Unavailable

Reason = Literal[
    "bad_key",
    "retired",
    "rejected",
    "too_large",
    "rate_limited",
    "server_error",
    "unreachable",
    "disconnected",
    "timeout",
    "malformed",
    "truncated",
    "empty",
    "blocked",
    "cut_off",
    "malformed_call",
    "unknown_tool",
    "text_for_call",
    "oversized",
    "circuit_open",
    "deadline",
    "unexpected",
]

OUTAGES: frozenset[Reason] = frozenset(
    {
        "bad_key",
        "rate_limited",
        "server_error",
        "unreachable",
        "disconnected",
        "timeout",
        "malformed",
        "truncated",
        "empty",
        "unexpected",
    }
)
"""Reasons that speak about the provider. The others are about one request or answer and must not close it to all."""

CERTAIN: frozenset[Reason] = frozenset({"rate_limited", "bad_key"})
"""Outages that the next call is sure to meet too."""

TRANSIENT: frozenset[Reason] = frozenset(
    {"server_error", "unreachable", "disconnected", "malformed", "truncated", "empty", "malformed_call"}
)
"""Reasons that a second try of the same model may not meet."""

STATUS_REASONS: dict[int, Reason] = {
    400: "rejected",
    401: "bad_key",
    403: "bad_key",
    404: "retired",
    408: "timeout",
    413: "too_large",
    429: "rate_limited",
    504: "server_error",
}
CLASS_REASONS: dict[str, Reason] = {
    "ModelAuthenticationError": "bad_key",
    "ModelPermissionDeniedError": "bad_key",
    "ModelNotFoundError": "retired",
    "ModelRateLimitError": "rate_limited",
    "ModelInvalidRequestError": "rejected",
    "ModelTimeoutError": "timeout",
    "ModelAPIError": "server_error",
    "TimeoutError": "timeout",
    "TimeoutException": "timeout",
    "APITimeoutError": "timeout",
    "ConnectionRefusedError": "unreachable",
    "ConnectError": "unreachable",
    "ConnectionError": "disconnected",
    "TransportError": "disconnected",
    "ModelConnectionError": "unreachable",
    "APIConnectionError": "unreachable",
    "JSONDecodeError": "malformed",
    "UnknownApiResponseError": "malformed",
    "APIResponseValidationError": "malformed",
    "ValidationError": "malformed",
    "APIError": "server_error",
}
"""By name, the more telling first: most of these belong to packages that are imported only for their provider."""
BODY_REASONS: tuple[tuple[str, Reason], ...] = (
    ("API_KEY_INVALID", "bad_key"),
    ("API key not valid", "bad_key"),
    ("model_decommissioned", "retired"),
    ("tool_use_failed", "malformed_call"),
)
"""What a 400 may really be, by the provider's own codes."""

LONGEST_HINT_SECONDS = 3600.0


@dataclass(eq=False)
class ModelFailure(Exception):
    """One model's answer that cannot be used, or the lack of one. `retry_after` is the provider's hint, in seconds."""

    reason: Reason
    detail: str = ""
    retry_after: float | None = None
    tokens: tuple[int, int] = (0, 0)
    """Input and output tokens that the answer cost all the same."""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


class NoModelLeft(Unavailable):
    code = "no_model_left"


class BudgetSpent(NoModelLeft):
    code = "budget_spent"


def classify(error: Exception) -> ModelFailure:
    """The failure behind whatever a client raised."""
    if isinstance(error, ModelFailure):
        return error
    status = _status(error)
    reason = _reason_by_status(status, error) if status else _reason_by_class(error)
    detail = f"{type(error).__name__}" + (f" {status}" if status else "")
    return ModelFailure(reason, detail, retry_after=_retry_after(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from, and so on. Not the context: that may be the caller's own trouble."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__


def _status(error: Exception) -> int | None:
    """The HTTP status, from the response or, inside a stream, from the error event."""
    for link in _chain(error):
        body = getattr(link, "body", None)
        told = body.get("status_code") if isinstance(body, dict) else None
        for value in (getattr(link, "status_code", None), getattr(link, "code", None), told):
            if isinstance(value, int) and 400 <= value < 600:
                return value
    return None


def _reason_by_status(status: int, error: Exception) -> Reason:
    if status == 400:
        text = " ".join(str(link) for link in _chain(error))
        return next((reason for mark, reason in BODY_REASONS if mark in text), "rejected")
    return STATUS_REASONS.get(status, "server_error" if status >= 498 else "rejected")


def _reason_by_class(error: Exception) -> Reason:
    names = {kind.__name__ for link in _chain(error) for kind in type(link).__mro__}
    return next((reason for name, reason in CLASS_REASONS.items() if name in names), _reason_by_trace(error))


def _reason_by_trace(error: Exception) -> Reason:
    """Clients stumble over an answer of another shape than they expect."""
    if isinstance(error, ValueError) and "No generation chunks" in str(error):
        return "empty"
    stumbled = isinstance(error, AttributeError | KeyError | TypeError | IndexError | UnicodeDecodeError)
    return "malformed" if stumbled else "unexpected"


def _retry_after(error: Exception) -> float | None:
    """Seconds to wait, from a Retry-After header or Google's RetryInfo; None without a hint."""
    for link in _chain(error):
        response = getattr(link, "response", None)
        headers = getattr(response, "headers", None) or {}
        for hint in (_header_seconds(headers.get("retry-after")), _retry_info(getattr(link, "details", None))):
            if hint is not None and isfinite(hint):
                return min(max(hint, 0.0), LONGEST_HINT_SECONDS)
    return None


def _header_seconds(value: str | None) -> float | None:
    if not value:
        return None
    try:
        return float(value)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(value).timestamp() - time()
    except ValueError:
        return None


def _retry_info(details: Any) -> float | None:
    """`error.details[].retryDelay`, written as "17s"."""
    error = details.get("error", details) if isinstance(details, dict) else {}
    entries = error.get("details") if isinstance(error, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        delay = entry.get("retryDelay") if isinstance(entry, dict) else None
        if isinstance(delay, str):
            try:
                return float(delay.removesuffix("s"))
            except ValueError:
                return None
    return None
