"""The same trouble has many exceptions; each is told by what to do about it."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import groq
import httpx
import pytest
from google.genai.errors import ClientError, ServerError, UnknownApiResponseError
from langchain_core.exceptions import ModelRateLimitError
from langchain_google_genai.chat_models import ChatGoogleGenerativeAIError

from agent.models.failures import LONGEST_HINT_SECONDS, ModelFailure, classify

REQUEST = httpx.Request("POST", "http://127.0.0.1/")


def of_groq(status: int, *, code: str = "", headers: dict[str, str] | None = None) -> groq.APIStatusError:
    response = httpx.Response(status, headers=headers, request=REQUEST)
    return groq.APIStatusError(f"{status} {code}", response=response, body={"error": {"code": code}})


def of_gemini(status: int, details: list[dict[str, object]] | None = None) -> ChatGoogleGenerativeAIError:
    try:
        raise ClientError(status, {"error": {"code": status, "message": "no", "status": "X", "details": details or []}})
    except ClientError as error:
        wrapped = ChatGoogleGenerativeAIError(f"Error calling model: {error}")
        wrapped.__cause__ = error
        return wrapped


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (of_groq(401), "bad_key"),
        (of_groq(403), "bad_key"),
        (of_groq(404), "retired"),
        (of_groq(400), "rejected"),
        (of_groq(400, code="tool_use_failed"), "malformed_call"),
        (of_groq(400, code="model_decommissioned"), "retired"),
        (of_groq(413), "too_large"),
        (of_groq(422), "rejected"),
        (of_groq(429), "rate_limited"),
        (of_groq(498), "server_error"),
        (of_groq(503), "server_error"),
        (of_gemini(413), "too_large"),
        (of_gemini(400, [{"reason": "API_KEY_INVALID"}]), "bad_key"),
        (of_gemini(404), "retired"),
        (ServerError(500, {"error": {}}), "server_error"),
        (ModelRateLimitError("slow down"), "rate_limited"),
        (groq.APIConnectionError(request=REQUEST), "unreachable"),
        (groq.APITimeoutError(REQUEST), "timeout"),
        (groq.APIError("in the stream", REQUEST, body={"status_code": 429}), "rate_limited"),
        (groq.APIError("in the stream", REQUEST, body={"message": "no"}), "server_error"),
        (httpx.ConnectError("refused"), "unreachable"),
        (httpx.RemoteProtocolError("gone"), "disconnected"),
        (httpx.ReadTimeout("slow"), "timeout"),
        (TimeoutError(), "timeout"),
        (ConnectionResetError(), "disconnected"),
        (json.JSONDecodeError("no", "x", 0), "malformed"),
        (UnknownApiResponseError("no JSON"), "malformed"),
        (TypeError("'NoneType' object is not iterable"), "malformed"),
        (RuntimeError("a bug"), "unexpected"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{type(value).__name__}-{str(value)[:24]}",
)
def test_an_exception_is_told_by_what_it_means(error: Exception, reason: str) -> None:
    assert classify(error).reason == reason


def test_the_cause_counts_when_a_client_wraps_it() -> None:
    wrapped = groq.APIConnectionError(request=REQUEST)
    wrapped.__cause__ = httpx.ReadError("gone")

    assert classify(wrapped).reason == "disconnected"


def test_the_callers_own_trouble_is_not_the_providers() -> None:
    try:
        raise httpx.ConnectError("an earlier one")
    except httpx.ConnectError:
        try:
            raise RuntimeError("another matter")
        except RuntimeError as error:
            failure = classify(error)

    assert failure.reason == "unexpected"


def test_a_failure_stays_what_it_is() -> None:
    failure = ModelFailure("blocked", "for a reason")

    assert classify(failure) is failure
    assert str(failure) == "blocked: for a reason"


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("0.5", 0.5), ("-3", 0), ("1e9", LONGEST_HINT_SECONDS)])
def test_the_pause_comes_from_the_retry_after_header(header: str, seconds: float) -> None:
    assert classify(of_groq(429, headers={"retry-after": header})).retry_after == seconds


def test_the_pause_may_be_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)

    assert classify(of_groq(429, headers={"retry-after": later})).retry_after == pytest.approx(100, abs=5)


@pytest.mark.parametrize("header", ["soon", "", "nan"])
def test_an_unreadable_hint_is_none(header: str) -> None:
    assert classify(of_groq(429, headers={"retry-after": header})).retry_after is None


def test_the_pause_comes_from_googles_retry_info() -> None:
    assert classify(of_gemini(429, [{"reason": "x"}, {"retryDelay": "17.5s"}])).retry_after == 17.5


@pytest.mark.parametrize("details", [[{"retryDelay": "soon"}], [{"retryDelay": 5}], ["odd"], []])
def test_odd_retry_info_is_no_hint(details: list[dict[str, object]]) -> None:
    assert classify(of_gemini(429, details)).retry_after is None


def test_a_failure_never_repeats_what_the_provider_wrote() -> None:
    failure = classify(of_groq(401, code="Invalid API Key gsk_canary"))

    assert "canary" not in str(failure)
