"""Decision runs."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.bodies.fields import Identifier
from api.bodies.runs import RunAnswer, RunLine, Runs
from api.door.doorkeeper import RuntimeGiven, needs
from api.routes.wiring import Before, Limit, problems
from tools.records.orders import RunStatus

router = APIRouter(tags=["decisions"])


@router.get("/runs", response_model=Runs, responses=problems(404), openapi_extra=needs("read"))
async def runs(
    runtime: RuntimeGiven,
    limit: Limit = 50,
    before: Before = None,
    status: Annotated[RunStatus | None, Query(description="Only runs in this state.")] = None,
    product_id: Annotated[Identifier | None, Query(description="Only runs about this product.")] = None,
) -> Response:
    """List runs, newest first."""
    found = await runtime.book.runs.page(limit, before, status=status, product_id=product_id)
    following = found[-1].id if len(found) == limit else None
    return Runs(runs=tuple(map(RunLine.of_run, found)), next=following).response()


@router.get("/runs/{run_id}", response_model=RunAnswer, responses=problems(404), openapi_extra=needs("read"))
async def run(
    run_id: Annotated[str, Path(max_length=100, description="Id of the run.")], runtime: RuntimeGiven
) -> Response:
    """Show a run and its result; `result` is null while the run is being worked on."""
    return RunAnswer.of(await runtime.book.runs.get(run_id), runtime.review_url).response()
