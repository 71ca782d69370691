"""The service as an ASGI application: routes, middlewares and the runtime together."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

from agent.runtime import Runtime, open_runtime
from agent.settings import Settings
from api import VERSION
from api.bodies import openapi
from api.door import errors, openai_errors
from api.door.auth import KeyRing
from api.door.doorkeeper import Doorkeeper
from api.door.rate_limits import RateLimits
from api.door.request_log import RequestLog
from api.door.sessions import Sessions
from api.pages import desk_pages, docs, refusals
from api.pages.static import static_files
from api.routes import (
    audit,
    automatic,
    calibration,
    catalogue,
    chat,
    completions,
    conversations,
    imports,
    keys,
    mcp,
    orders,
    other_orders,
    purchase_orders,
    reviews,
    runs,
    service,
    sweeps,
    today,
    triggers,
)
from api.webhooks.deliverer import delivering

FORMS = {
    "v1": openai_errors.answer,
    "desk": refusals.page,
    "reviews": refusals.page_of_review,
    "calibration": refusals.page_of_calibration,
}
"""How problems look at the addresses whose callers read no problem document."""
OpenRuntime = Callable[[Settings], AbstractAsyncContextManager[Runtime]]


def create_app(settings: Settings, *, open_runtime: OpenRuntime = open_runtime, only_work: bool = False) -> FastAPI:
    """The application. Nothing opens until its lifespan begins. `only_work` leaves out everything but health, metrics
    and `/`. Tests may give an opener of their own."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_runtime(settings) as runtime:
            app.state.runtime = runtime
            app.state.keys = KeyRing(runtime.book, settings.api_key)
            app.state.mcp = mcp.McpDoor(runtime)
            app.state.sessions = Sessions(runtime.book, app.state.keys)
            show_once(await app.state.keys.first_key())
            async with delivering(settings.listeners, runtime.book, runtime.metrics, address=runtime.address):
                yield
                runtime.begin_shutdown()
                await app.state.mcp.aclose()
            await app.state.rate_limits.aclose()

    app = FastAPI(
        title="restock",
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,
        openapi_url="/openapi.json" if "docs" in settings.public_pages else None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.rate_limits = RateLimits(settings)
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]  # the way that FastAPI documents
    errors.install(app)
    metrics = service.open_metrics if "metrics" in settings.public_pages else service.guarded_metrics
    decisions = (
        triggers,
        today,
        sweeps,
        reviews,
        orders,
        other_orders,
        purchase_orders,
        runs,
        imports,
        catalogue,
        calibration,
        chat,
        completions,
        conversations,
        mcp,
        keys,
        audit,
        automatic,
    )
    answering = () if only_work else decisions
    routers = [*(module.router for module in (*answering, service)), metrics]
    if not only_work:
        routers += desk_pages.routers
        app.mount("/desk/static", static_files())
    if "docs" in settings.public_pages:
        routers.append(docs.router)
    # As they are: include_router would build every route once more, 0.3 s that the first request has to wait for.
    routes = [route for router in routers for route in router.routes]
    app.router.routes.extend(routes)
    # The last one added is the outermost.
    app.add_middleware(Doorkeeper, routes=[route for route in routes if isinstance(route, APIRoute)], settings=settings)
    app.add_middleware(RequestLog, forms=FORMS)
    return app


def show_once(key: str | None) -> None:
    if key is not None:
        sys.stdout.write(f"API key (shown once, stored as a hash only): {key}\n")
        sys.stdout.flush()
