"""`/docs`: the API to read and to try, without anything from other hosts."""

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from api.pages.desk import templates

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs() -> Response:
    """Show every address of the API, and try it with a key."""
    return HTMLResponse(templates.get_template("docs.html").render())
