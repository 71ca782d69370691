"""Whether orders of the own catalogue go out without a person."""

from fastapi import APIRouter
from starlette.responses import Response

from api.bodies.automatic import AutomaticAnswer, AutomaticSwitch
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.routes.wiring import problems

router = APIRouter(tags=["catalogue"])


@router.get("/automatic", response_model=AutomaticAnswer, responses=problems(), openapi_extra=needs("read"))
async def automatic(runtime: RuntimeGiven) -> Response:
    """Show whether safe orders of your own catalogue go out by themselves."""
    return AutomaticAnswer.copy_of(await runtime.book.automatic.get()).response()


@router.put(
    "/automatic", response_model=AutomaticAnswer, responses=problems(400, 413, 415), openapi_extra=needs("admin")
)
async def switch(body: AutomaticSwitch, runtime: RuntimeGiven, caller: CallerGiven) -> Response:
    """Let safe orders of your own catalogue go out by themselves, or stop that.

    Without a supplier it holds for all, whatever was said of single ones before."""
    now = await runtime.book.automatic.switch(body.on, by=caller.actor, supplier_id=body.supplier_id)
    return AutomaticAnswer.copy_of(now).response()
