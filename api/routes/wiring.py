"""What routes have in common: parameters, and the problems that `/docs` names."""

from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Path, Query

from api.bodies.fields import Identifier, Price, money
from api.door.doorkeeper import RuntimeGiven
from api.door.errors import PROBLEM, problem_document
from tools.book.filters import Filters

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
Supplier = Annotated[str | None, Query(max_length=200, description="Only of this supplier: a part of its id or name.")]
PlaceAsked = Annotated[Identifier | None, Query(description="Only for this location.")]


async def _filters(
    runtime: RuntimeGiven,
    product_id: Annotated[Identifier | None, Query(description="Only of this product.")] = None,
    product: Annotated[
        str | None, Query(max_length=200, description="Only of products with this in their id or name.")
    ] = None,
    supplier: Supplier = None,
    location: PlaceAsked = None,
    day: Annotated[
        date | None, Query(description="Only from this day, as 2026-11-30, in the catalogue's time zone.")
    ] = None,
    late: Annotated[
        bool | None, Query(description="`true`: only orders that are overdue, or reviews that wait for over a day.")
    ] = None,
    value: Annotated[Price | None, Query(description="Only of this value at least, each in its own currency.")] = None,
) -> Filters:
    return await runtime.purchasing.filters(
        product_id=product_id,
        product=product,
        supplier=supplier,
        location=location,
        day=day,
        late=late,
        value=money(value),
    )


FiltersGiven = Annotated[Filters, Depends(_filters)]
"""What a list of orders or reviews is narrowed to."""
