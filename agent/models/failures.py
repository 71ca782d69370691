"""Failures of model calls, by what to do about them.

    ModelFailure        one model did not give a usable answer; `reason` says why
    NoModelLeft         every model failed, and the rules model is off
    └── BudgetSpent     the run's or the day's tokens or money are used up: no model may be asked

Clients raise five families of exceptions for the same failures, so status, cause and body are looked at first.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite
from time import time
from typing import Any, Literal, get_args

from tools.records.errors import Unavailable

Certain = Literal["bad_key", "rate_limited", "redirected"]
Passing = Literal["server_error", "unreachable", "disconnected", "malformed", "truncated", "empty"]
OtherOutage = Literal["timeout", "unexpected"]
OfOneRequest = Literal["rejected", "too_large", "blocked", "cut_off", "oversized", "unknown_tool", "text_for_call"]
Reason = (
    Certain | Passing | OtherOutage | OfOneRequest | Literal["malformed_call", "retired", "circuit_open", "deadline"]
)

CERTAIN: frozenset[Reason] = frozenset(get_args(Certain))
"""The next call will fail in the same way."""
TRANSIENT: frozenset[Reason] = frozenset((*get_args(Passing), "malformed_call"))
"""A second call of the same model may succeed."""
OUTAGES: frozenset[Reason] = frozenset((*get_args(Certain), *get_args(Passing), *get_args(OtherOutage)))
"""Failures of the provider. All others concern one request or answer, and must not open the breaker."""

STATUS_REASONS: dict[int, Reason] = {
    401: "bad_key",
    403: "bad_key",
    404: "retired",
    408: "timeout",
    413: "too_large",
    429: "rate_limited",
}
CLASS_REASONS: tuple[tuple[Reason, set[str]], ...] = (
    ("bad_key", {"ModelAuthenticationError", "ModelPermissionDeniedError"}),
    ("retired", {"ModelNotFoundError"}),
    ("rate_limited", {"ModelRateLimitError"}),
    ("rejected", {"ModelInvalidRequestError"}),
    ("timeout", {"ModelTimeoutError", "TimeoutError", "TimeoutException", "APITimeoutError"}),
    ("unreachable", {"ConnectionRefusedError", "ConnectError"}),
    ("disconnected", {"ConnectionError", "TransportError"}),
    ("unreachable", {"ModelConnectionError", "APIConnectionError"}),
    ("malformed", {"JSONDecodeError", "UnknownApiResponseError", "ValidationError", "APIResponseValidationError"}),
    ("server_error", {"ModelAPIError", "APIError"}),
)
"""By class name, the most specific first: these packages are imported only for their provider."""
BODY_REASONS: tuple[tuple[str, Reason], ...] = (
    ("API_KEY_INVALID", "bad_key"),
    ("API key not valid", "bad_key"),
    ("model_decommissioned", "retired"),
    ("tool_use_failed", "malformed_call"),
)
"""What a 400 means, by the provider's own code."""
LONGEST_HINT_SECONDS = 3600.0


@dataclass(eq=False)
class ModelFailure(Exception):
    """A model gave no usable answer. `retry_after` is the provider's hint, in seconds."""

    reason: Reason
    detail: str = ""
    retry_after: float | None = None
    tokens: tuple[int, int] = (0, 0)
    """Input and output tokens that the failed answer cost."""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


class NoModelLeft(Unavailable):
    code = "no_model_left"


class BudgetSpent(NoModelLeft):
    code = "budget_spent"


def classify(error: Exception) -> ModelFailure:
    """The failure behind an exception of a client."""
    if isinstance(error, ModelFailure):
        return error
    status = _status(error)
    reason = _reason_by_status(status, error) if status else _reason_by_class(error)
    detail = f"{type(error).__name__} {status}" if status else type(error).__name__
    return ModelFailure(reason, detail, retry_after=_retry_after(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from. The context is left out: it may be another error of the caller."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__


def _status(error: Exception) -> int | None:
    """The HTTP status, from the response or, inside a stream, from the error event."""
    for cause in _causes(error):
        body, response = getattr(cause, "body", None), getattr(cause, "response", None)
        in_stream = body.get("status_code") if isinstance(body, dict) else None
        codes = (getattr(cause, "status_code", None), getattr(cause, "code", None))
        for value in (*codes, getattr(response, "status_code", None), in_stream):
            if isinstance(value, int) and 300 <= value < 600:
                return value
    return None


def _reason_by_status(status: int, error: Exception) -> Reason:
    if status < 400:
        return "redirected"
    if status == 400:
        text = " ".join(map(str, _causes(error)))
        return next((reason for mark, reason in BODY_REASONS if mark in text), "rejected")
    return STATUS_REASONS.get(status, "server_error" if status >= 498 else "rejected")


def _reason_by_class(error: Exception) -> Reason:
    names = {kind.__name__ for cause in _causes(error) for kind in type(cause).__mro__}
    for reason, known in CLASS_REASONS:
        if names & known:
            return reason
    if isinstance(error, ValueError) and "No generation chunks" in str(error):
        return "empty"
    # Clients raise these for an answer that has not the shape they expect.
    stumbled = isinstance(error, AttributeError | KeyError | TypeError | IndexError | UnicodeDecodeError)
    return "malformed" if stumbled else "unexpected"


def _retry_after(error: Exception) -> float | None:
    """Seconds to wait, from a Retry-After header or Google's RetryInfo; None without a hint."""
    for cause in _causes(error):
        headers = getattr(getattr(cause, "response", None), "headers", None) or {}
        for hint in (_header_seconds(headers.get("retry-after")), _retry_info(getattr(cause, "details", None))):
            if hint is not None and isfinite(hint):
                return min(max(hint, 0.0), LONGEST_HINT_SECONDS)
    return None


def _header_seconds(value: str | None) -> float | None:
    """Retry-After is a number of seconds or a date."""
    if not value:
        return None
    with suppress(ValueError):
        return float(value)
    with suppress(ValueError):
        return parsedate_to_datetime(value).timestamp() - time()
    return None


def _retry_info(details: Any) -> float | None:
    """`error.details[].retryDelay`, written as "17s"."""
    error = details.get("error", details) if isinstance(details, dict) else {}
    entries = error.get("details") if isinstance(error, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        delay = entry.get("retryDelay") if isinstance(entry, dict) else None
        if isinstance(delay, str):
            with suppress(ValueError):
                return float(delay.removesuffix("s"))
    return None
