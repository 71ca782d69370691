"""The own catalogue: products, suppliers, stock, demand, and what holds for all of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from agent.runtime import Runtime
from api.bodies.catalogue import (
    CatalogueAnswer,
    CatalogueInput,
    DemandInput,
    ProductAnswer,
    ProductInput,
    Products,
    StockInput,
    SupplierAnswer,
    SupplierInput,
    Suppliers,
)
from api.bodies.examples import CATALOGUES, DEMAND, PRODUCTS, STOCK, SUPPLIERS
from api.bodies.imports import ImportAnswer
from api.door.auth import Caller
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.door.idempotency import HEADER, Attempt
from api.routes.wiring import Limit, problems
from tools.catalog.entries import EntryStore
from tools.catalog.importing.direct import add_days, put_product, put_supplier, set_catalogue, set_levels
from tools.catalog.importing.record import ImportRecord, ReadFile
from tools.catalog.imports import ImportStore, Work
from tools.catalog.own import OwnCatalog
from tools.records.errors import InvalidInput
from tools.records.text import ID_LIMIT, clean_text

router = APIRouter(tags=["catalogue"])
ProductPath = Annotated[str, Path(min_length=1, max_length=100, description="The product's id.")]
SupplierPath = Annotated[str, Path(min_length=1, max_length=100, description="The supplier's id.")]
After = Annotated[str | None, Query(max_length=100, description="The `next` of the page before.")]
Filter = Annotated[str | None, Query(max_length=100, description="Only products with this value.")]
_BULK: dict[str, Any] = {"response_model": ImportAnswer, "responses": problems(400, 409, 413, 415)}


@router.get("/products", response_model=Products, responses=problems(), openapi_extra=needs("read"))
async def products(
    runtime: RuntimeGiven,
    limit: Limit = 50,
    after: After = None,
    supplier: Annotated[str | None, Query(max_length=100, description="Only this supplier's, by id or name.")] = None,
    category: Filter = None,
    text: Annotated[str | None, Query(max_length=100, description="Looked for in id and name.")] = None,
) -> Response:
    """List products by id."""
    found, total = await EntryStore(runtime.book.database).products(
        limit, after, text=text, supplier=supplier, category=category
    )
    following = found[-1].id if len(found) == limit else None
    return Products(products=tuple(map(ProductAnswer.of, found)), total=total, next=following).response()


@router.get(
    "/products/{product_id:path}", response_model=ProductAnswer, responses=problems(404), openapi_extra=needs("read")
)
async def product(product_id: ProductPath, runtime: RuntimeGiven) -> Response:
    """Show one product as it is stored."""
    return ProductAnswer.of(await EntryStore(runtime.book.database).product(product_id)).response()


@router.put(
    "/products/{product_id:path}",
    response_model=ProductAnswer,
    responses=problems(400, 413, 415),
    openapi_extra=needs("approve"),
)
async def put_one_product(
    product_id: ProductPath,
    body: Annotated[ProductInput, Body(openapi_examples=PRODUCTS)],
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Make a product, or replace what is stored of it. What is left out becomes the default."""
    await _changed(runtime, caller, f"PUT /products/{product_id}", 1, put_product(_visible(product_id), body.given()))
    return await product(product_id, runtime)


@router.get("/suppliers", response_model=Suppliers, responses=problems(), openapi_extra=needs("read"))
async def suppliers(runtime: RuntimeGiven, limit: Limit = 50, after: After = None) -> Response:
    """List suppliers by id."""
    found, total = await EntryStore(runtime.book.database).suppliers(limit, after)
    following = found[-1].id if len(found) == limit else None
    return Suppliers(suppliers=tuple(map(SupplierAnswer.of, found)), total=total, next=following).response()


@router.get(
    "/suppliers/{supplier_id:path}", response_model=SupplierAnswer, responses=problems(404), openapi_extra=needs("read")
)
async def supplier(supplier_id: SupplierPath, runtime: RuntimeGiven) -> Response:
    """Show one supplier as it is stored."""
    return SupplierAnswer.of(await EntryStore(runtime.book.database).supplier(supplier_id)).response()


@router.put(
    "/suppliers/{supplier_id:path}",
    response_model=SupplierAnswer,
    responses=problems(400, 413, 415),
    openapi_extra=needs("approve"),
)
async def put_one_supplier(
    supplier_id: SupplierPath,
    body: Annotated[SupplierInput, Body(openapi_examples=SUPPLIERS)],
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Make a supplier, or replace what is stored of it. What is left out is not known any more."""
    work = put_supplier(_visible(supplier_id), body.given())
    await _changed(runtime, caller, f"PUT /suppliers/{supplier_id}", 1, work)
    return await supplier(supplier_id, runtime)


@router.post("/stock", **_BULK, openapi_extra=needs("trigger", idempotent=True))
async def stock(
    body: Annotated[StockInput, Body(openapi_examples=STOCK)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Say what is in stock, in bulk: counted levels, or what went in and out. Levels may be sent again; movements are
    added, so they need an Idempotency-Key."""
    if body.movements and HEADER not in request.headers:
        raise InvalidInput("Movements are added to the stock: send an Idempotency-Key, so that each counts once.")
    entries = body.entries()
    return await recorded(request, body, runtime, caller, "POST /stock", len(entries), set_levels(entries))


@router.post("/demand", **_BULK, openapi_extra=needs("trigger", idempotent=True))
async def demand(
    body: Annotated[DemandInput, Body(openapi_examples=DEMAND)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Say what was asked for, by product, location and day, in bulk. Each day replaces what was stored for it."""
    entries = body.entries()
    return await recorded(request, body, runtime, caller, "POST /demand", len(entries), add_days(entries))


@router.get("/catalogue", response_model=CatalogueAnswer, responses=problems(), openapi_extra=needs("read"))
async def catalogue(runtime: RuntimeGiven) -> Response:
    """Show what holds for the whole catalogue: currency, time zone, locations."""
    return CatalogueAnswer.of(await OwnCatalog(runtime.book.database).settings()).response()


@router.put(
    "/catalogue",
    response_model=CatalogueAnswer,
    responses=problems(400, 413, 415),
    openapi_extra=needs("approve"),
)
async def set_whole_catalogue(
    body: Annotated[CatalogueInput, Body(openapi_examples=CATALOGUES)], runtime: RuntimeGiven, caller: CallerGiven
) -> Response:
    """Change what holds for the whole catalogue. What is left out stays as it is."""
    given = body.given()
    await _changed(runtime, caller, "PUT /catalogue", len(given), set_catalogue(given))
    return await catalogue(runtime)


async def recorded(
    request: Request, body: BaseModel, runtime: Runtime, caller: Caller, name: str, lines: int, work: Work
) -> Response:
    """Change the catalogue once, as an import that can be undone."""

    async def carry_out() -> bytes:
        return ImportAnswer.copy_of(await _changed(runtime, caller, name, lines, work)).as_json()

    return await Attempt(request, body, runtime.book).answer(carry_out)


async def _changed(runtime: Runtime, caller: Caller, name: str, lines: int, work: Work) -> ImportRecord:
    file = ReadFile.without_file(name, lines=lines)
    return await ImportStore(runtime.book.database).change(file, work, caller.actor)


def _visible(identity: str) -> str:
    if identity != clean_text(identity, limit=ID_LIMIT):
        raise InvalidInput("An id has visible characters and single blanks inside; send it without others.")
    return identity
