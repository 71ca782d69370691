"""Bringing in files: sent, looked at, confirmed, undone."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Body, File, Form, Path, Query, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.responses import Response

from agent.runtime import Runtime
from api.bodies.examples import CONFIRMATIONS, READINGS
from api.bodies.fields import Body as Strict
from api.bodies.imports import Confirmation, HowToRead, ImportAnswer, Imports, ProposalAnswer, SentFileAnswer
from api.bodies.orders import Nothing
from api.door import strict_json
from api.door.auth import Caller
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.door.idempotency import Attempt
from api.routes.wiring import Limit, problems
from tools.catalog.importing.record import ImportRecord
from tools.catalog.importing.sources import read_source
from tools.catalog.imports import ImportStore
from tools.catalog.proposals import ProposalStore, SentFile
from tools.catalog.reading import FileReading, refuse_faults
from tools.records.errors import InvalidInput

router = APIRouter(tags=["catalogue"])
Number = Annotated[int, Path(ge=1, description="Number of the import.")]
MOST_FILES = 20


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

    Nothing is imported yet: the answer says how they are read and what they would change. They wait for a week."""
    if len(files) > MOST_FILES:
        raise InvalidInput(f"There are {len(files)} files; send at most {MOST_FILES} at once.")
    told = _told(how)
    sent = [await _sent(file, told) for file in files]
    hashes = [(file.name, sha256(file.content).hexdigest()) for file in sent]

    async def work() -> bytes:
        number = await ProposalStore(runtime.book.database).propose(sent, caller.actor)
        return (await _proposal(runtime, number, sent, caller)).as_json()

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
        await store.read_as(number, {name: (how.kind, how.mapping) for name, how in body.files.items()})
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
        readings = await asyncio.to_thread(_readings, await ProposalStore(runtime.book.database).files(number))
        if not body.skip_bad:
            refuse_faults([fault for reading in readings for fault in reading.faults])
        done = await ImportStore(runtime.book.database).bring_in(readings, caller.actor, number=number)
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
    before: Annotated[int | None, Query(ge=1, description="The `next` of the page before.")] = None,
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
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2]
    if not 0 < len(name) <= 200:
        raise InvalidInput("Every file needs a name of at most 200 characters, with its ending, such as sales.csv.")
    how = told.files.get(name)
    return SentFile(name, await file.read(), how.kind if how else None, how.mapping if how else {})


def _readings(files: Sequence[SentFile]) -> list[FileReading]:
    return [read_source(file.content, name=file.name, kind=file.kind, mapping=file.mapping or {}) for file in files]


def _shown(files: Sequence[SentFile]) -> tuple[list[FileReading], list[SentFileAnswer]]:
    """The files that can be read, and all of them as they are shown."""
    readings, shown = [], []
    for file in files:
        try:
            readings += _readings([file])
            shown.append(SentFileAnswer.of(readings[-1]))
        except InvalidInput as error:
            shown.append(SentFileAnswer.asking(file.name, error.message))
    return readings, shown


async def _proposal(runtime: Runtime, number: int, files: Sequence[SentFile], caller: Caller) -> ProposalAnswer:
    readings, shown = await asyncio.to_thread(_shown, files)
    looked_at: ImportRecord = await ImportStore(runtime.book.database).preview(readings, caller.actor)
    return ProposalAnswer(
        number=number,
        files=tuple(shown),
        counts=looked_at.counts,
        notes=looked_at.notes,
        ready=not any(file.question or file.fault_counts for file in shown),
    )
