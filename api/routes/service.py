"""What the service says about itself. Only the metrics need a key."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import RedirectResponse, Response

from api import VERSION
from api.bodies.service import Liveness, Readiness, ServiceAnswer
from api.door.doorkeeper import RuntimeGiven, needs
from api.routes.wiring import problems
from tools.lookback.calibration_watch import observed

router = APIRouter(tags=["service"])
guarded_metrics = APIRouter(tags=["service"])
open_metrics = APIRouter(tags=["service"])


@router.get("/", response_model=ServiceAnswer)
async def about(request: Request) -> Response:
    """Name and version of the service. A browser is sent to the desk."""
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse("/desk", 303)
    status = "shutting down" if request.app.state.runtime.closing else "running"
    return ServiceAnswer(status=status, version=VERSION).response()


@router.get("/health/live", response_model=Liveness)
async def live() -> Response:
    """Say that the process answers."""
    return Liveness().response()


@router.get("/health/ready", response_model=Readiness, responses={503: {"model": Readiness}})
async def ready(runtime: RuntimeGiven) -> Response:
    """Say whether work can be taken, and with which models; 503 when it cannot."""
    state = Readiness.model_validate(await runtime.readiness())
    return Response(state.as_json(), 200 if state.ready else 503, media_type="application/json")


async def metrics(runtime: RuntimeGiven) -> Response:
    """Metrics for Prometheus, as text."""
    length, oldest = await runtime.book.reviews.figures()
    runtime.metrics.review_queue_length.set(length)
    runtime.metrics.review_queue_oldest_seconds.set(oldest)
    open_orders, overdue = await runtime.book.orders.figures()
    runtime.metrics.orders_open.set(open_orders)
    runtime.metrics.orders_overdue.set(overdue)
    deliveries = await runtime.book.deliveries.figures()
    runtime.metrics.webhook_pending.set(deliveries.pending)
    runtime.metrics.webhook_oldest_pending_seconds.set(deliveries.oldest_pending_seconds)
    runtime.metrics.webhook_dead_letters.set(deliveries.dead)
    runtime.metrics.observe_calibration(observed(await runtime.book.outcomes.latest()))
    text = await asyncio.to_thread(runtime.metrics.as_text)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
open_metrics.add_api_route("/metrics", metrics, response_class=Response, responses={**_TEXT})
guarded_metrics.add_api_route(
    "/metrics", metrics, response_class=Response, responses={**problems(), **_TEXT}, openapi_extra=needs("read")
)
