"""What routes have in common: parameters, and the problems that `/docs` names."""

from typing import Annotated, Any

from fastapi import Path, Query

from api.door.errors import PROBLEM, problem_document

_PROBLEMS = {
    400: ("malformed_json", "The JSON or a header is malformed."),
    401: ("key_missing", "The key is missing or not valid."),
    403: ("scope_missing", "The key lacks the scope, or the order is above its limits."),
    404: ("unknown_product", "Nothing has this id."),
    409: ("in_flight", "It was decided or changed before, or the same Idempotency-Key is still being answered."),
    413: ("body_too_large", "The body is too large."),
    415: ("unsupported_media_type", "The body is not application/json in UTF-8."),
    422: ("invalid_input", "A field is wrong, or the Idempotency-Key came with another body before."),
    429: ("rate_limited", "Too many requests; Retry-After says when to try again."),
    503: ("unavailable", "Not possible now; Retry-After says when to try again."),
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of a guarded route: the problems that any of them can answer, and these."""
    return {status: _documented(status) for status in sorted({401, 403, 422, 429, 503, *statuses})}


def _documented(status: int) -> dict[str, Any]:
    code, meaning = _PROBLEMS[status]
    example = problem_document(status, code, meaning, "0f8fad5bd9cb469fa16570867728950e")
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": meaning, "content": {PROBLEM: {"schema": schema, "example": example}}}


Limit = Annotated[int, Query(ge=1, le=200, description="Entries on a page.")]
Before = Annotated[str | None, Query(max_length=40, description="The `next` of the page before.")]
OrderNumber = Annotated[str, Path(max_length=40, description="Number of the order.")]
