"""The OpenAPI document: FastAPI's, with the key's scheme and our problem documents in the place of FastAPI's errors."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.door.errors import Problem
from api.door.openai_errors import ADDRESSES as OPENAI_ADDRESSES

DESCRIPTION = """Decides what to reorder, how much, and why. Safe orders are placed; doubtful ones wait for a person.

Every address but `/` and `/health` needs a key in `X-API-Key`, or as `Authorization: Bearer`. Every error is a problem
document (RFC 9457) with a stable `code`. A POST that carries an `Idempotency-Key` is done once, however
often it is sent."""


def document(app: FastAPI) -> dict[str, Any]:
    """Built once, at the first request for it."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
        parts = schema.setdefault("components", {}).setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            parts.pop(unused, None)
        for name, part in parts.items():
            if name.startswith("Body_"):  # what FastAPI makes of a form
                part["description"] = "Files, and how they are to be read."
        for path, operations in schema["paths"].items():
            if path.startswith(OPENAI_ADDRESSES):  # 400 there
                for operation in operations.values():
                    operation["responses"].pop("422", None)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        parts.update(problem.pop("$defs"))
        parts["Problem"] = problem
        schema["components"]["securitySchemes"] = {
            "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "Bearer": {"type": "http", "scheme": "bearer"},
        }
        app.openapi_schema = schema
    return app.openapi_schema
