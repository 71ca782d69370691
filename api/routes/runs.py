"""Decision runs."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from api.bodies.runs import RunAnswer
from api.door.doorkeeper import RuntimeGiven, needs
from api.routes.wiring import problems

router = APIRouter(tags=["decisions"])


@router.get("/runs/{run_id}", response_model=RunAnswer, responses=problems(404), openapi_extra=needs("read"))
async def run(
    run_id: Annotated[str, Path(max_length=100, description="Id of the run.")], runtime: RuntimeGiven
) -> Response:
    """Show a run and its result; `result` is null while the run is being worked on."""
    return RunAnswer.of(await runtime.book.runs.get(run_id), runtime.review_url).response()
