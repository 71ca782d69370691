"""Styles and scripts of the desk. All of them come from here; `vendor/` holds other people's, with their licences."""

from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_KEPT = "public, max-age=86400"
"""Their addresses name the version, so that a new one is asked for."""


class KeptFiles(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = _KEPT
        return response


def static_files() -> StaticFiles:
    return KeptFiles(directory=Path(__file__).parent / "static")
