"""Answers that are streams of events, beside answers in JSON at the same address."""

import structlog
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from api.door.errors import answer_to, unexpected_problem
from tools.records.errors import RestockError

log = structlog.get_logger(__name__)
EVENT_STREAM = "text/event-stream"


class EventStreamRoute(APIRoute):
    """Takes the requests that accept a stream of events."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if EVENT_STREAM not in Headers(scope=scope).get("accept", ""):
            return Match.NONE, {}
        return super().matches(scope)


def failure(error: Exception) -> str:
    """What a stream that fails says last: a problem document, since the status was sent long before."""
    if not isinstance(error, RestockError):
        log.error("unexpected_error", exc_info=error)
    problem: Response = answer_to(error) if isinstance(error, RestockError) else unexpected_problem()
    return bytes(problem.body).decode()
