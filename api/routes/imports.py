"""Bringing in files: sent, looked at, confirmed, undone."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Body, File, Form, Path, Query, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.responses import Response

from agent.runtime import Runtime
from api.bodies.examples import CONFIRMATIONS, READINGS
from api.bodies.fields import Body as Strict
from api.bodies.imports import Confirmation, HowToRead, ImportAnswer, Imports, ProposalAnswer, sent_name
from api.bodies.orders import Nothing
from api.door import strict_json
from api.door.auth import Caller
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.door.idempotency import Attempt
from api.routes.wiring import Limit, problems
from tools.catalog.imports import ImportStore
from tools.catalog.proposals import ProposalStore, SentFile, look_at, sheets_as_files

router = APIRouter(tags=["catalogue"])
Number = Annotated[int, Path(ge=1, le=2**53, description="Number of the import.")]


class Upload(Strict):
    """What makes two uploads the same."""

    files: list[tuple[str, str]]
    how: str


@router.post(
    "/imports",
    response_model=ProposalAnswer,
    status_code=201,
    responses=problems(400, 409, 413, 415),
    openapi_extra=needs("approve", idempotent=True, files=True),
)
async def propose(
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
    files: Annotated[list[UploadFile], File(description="CSV, TSV, XLSX, XLS or Parquet files.")],
    how: Annotated[
        str, Form(description='Kind and mapping by file name, as JSON: {"files": {"a.csv": {"kind": "stock"}}}.')
    ] = "",
) -> Response:
    """Send files of suppliers, products, stock, sales, open orders, receipts or promotions.

    Nothing is imported yet: the answer says how they are read and what they would change. They wait for a week. A
    workbook with another kind of table on each sheet is a file for each sheet, named `book.xlsx, Sheet`."""
    told = _told(how)
    sent = [await _sent(file, told) for file in files]
    hashes = [(file.name, sha256(file.content).hexdigest()) for file in sent]

    async def work() -> bytes:
        apart = await sheets_as_files(sent)
        number = await ProposalStore(runtime.book.database).propose(apart, caller.actor)
        return (await _proposal(runtime, number, apart, caller)).as_json()

    answer = await Attempt(request, Upload(files=hashes, how=how), runtime.book).answer(work)
    answer.status_code = 201
    return answer


@router.post(
    "/imports/{number}",
    response_model=ProposalAnswer,
    responses=problems(400, 404, 409, 413, 415),
    openapi_extra=needs("approve", idempotent=True),
)
async def read_again(
    number: Number,
    body: Annotated[HowToRead, Body(openapi_examples=READINGS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Read files of a proposed import with another kind or mapping. The answer is as for sending them."""
    store = ProposalStore(runtime.book.database)

    async def work() -> bytes:
        notation = {file.name: file.how.notation for file in await store.files(number)}
        how = {name: replace(body.of(name), notation=notation.get(name, {})) for name in body.files}
        await store.read_as(number, how)
        return (await _proposal(runtime, number, await store.files(number), caller)).as_json()

    return await Attempt(request, body, runtime.book).answer(work)


@router.post(
    "/imports/{number}/confirm",
    response_model=ImportAnswer,
    responses=problems(400, 404, 409, 413, 415),
    openapi_extra=needs("approve", idempotent=True),
)
async def confirm(
    number: Number,
    body: Annotated[Confirmation, Body(openapi_examples=CONFIRMATIONS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Bring the files of a proposed import into the catalogue, all of them or none."""

    async def work() -> bytes:
        done = await ProposalStore(runtime.book.database).confirm(number, caller.actor, skip_bad=body.skip_bad)
        return ImportAnswer.copy_of(done).as_json()

    return await Attempt(request, body, runtime.book).answer(work)


@router.post(
    "/imports/{number}/undo",
    response_model=ImportAnswer,
    responses=problems(400, 404, 409),
    openapi_extra=needs("approve", idempotent=True),
)
async def undo(number: Number, request: Request, runtime: RuntimeGiven, caller: CallerGiven) -> Response:
    """Give back the rows as they were before an import. Refused (409) where a later import changed the same rows."""

    async def work() -> bytes:
        return ImportAnswer.copy_of(await ImportStore(runtime.book.database).undo(number, caller.actor)).as_json()

    return await Attempt(request, Nothing(), runtime.book).answer(work)


@router.get("/imports", response_model=Imports, responses=problems(), openapi_extra=needs("read"))
async def imports(
    runtime: RuntimeGiven,
    limit: Limit = 50,
    before: Annotated[int | None, Query(ge=1, le=2**53, description="The `next` of the page before.")] = None,
) -> Response:
    """List imports, newest first."""
    found = await ImportStore(runtime.book.database).page(limit, before)
    return Imports(
        imports=tuple(map(ImportAnswer.copy_of, found)), next=found[-1].number if len(found) == limit else None
    ).response()


@router.get("/imports/{number}", response_model=ImportAnswer, responses=problems(404), openapi_extra=needs("read"))
async def one_import(number: Number, runtime: RuntimeGiven) -> Response:
    """Show one import: who, when, its files, and what it changed."""
    return ImportAnswer.copy_of(await ImportStore(runtime.book.database).get(number)).response()


def _told(how: str) -> HowToRead:
    if not how:
        return HowToRead(files={})
    strict_json.check(how.encode())
    try:
        return HowToRead.model_validate_json(how)
    except ValidationError as error:
        raise RequestValidationError(
            [each | {"loc": ("body", "how", *each["loc"])} for each in error.errors()]
        ) from None


async def _sent(file: UploadFile, told: HowToRead) -> SentFile:
    name = sent_name(file)
    return SentFile(name, await file.read(), told.of(name))


async def _proposal(runtime: Runtime, number: int, files: Sequence[SentFile], caller: Caller) -> ProposalAnswer:
    found = await look_at(files)
    changes = await ProposalStore(runtime.book.database).preview(found, caller.actor)
    return ProposalAnswer.of(number, found, changes)
