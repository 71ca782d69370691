"""One import at the desk: files that were sent, how they are read, what they would change, and the yes to it."""

import asyncio
from typing import Annotated, Any, get_args

from fastapi import Form, Path, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from api.bodies.imports import sent_name
from api.door.doorkeeper import page_for
from api.pages.desk import Desk, DeskForm, DeskGiven, desk_router, see_other
from api.pages.files import table_file
from tools.catalog.importing.sources import KINDS
from tools.catalog.imports import ImportStore
from tools.catalog.proposals import LookedAt, ProposalStore, ReadAs, SentFile, faults_of, look_at, sheets_as_files
from tools.catalog.reading import Choices, DateOrder, Decimal, FileReading, UnclearColumns, choices
from tools.catalog.reading.roles import KIND_WORDS, Role, roles
from tools.records.errors import Conflict, InvalidInput
from tools.records.text import without_commands

router = desk_router()
Number = Annotated[int, Path(ge=1, le=2**53)]
SHOWN = 20
_NOTATION: dict[str, tuple[str, ...]] = {"decimal": get_args(Decimal), "dates": get_args(DateOrder)}
_FAULT_COLUMNS = ("file", "line", "column", "value", "problem")


class Yes(DeskForm):
    """A person's yes to an import."""

    skip_bad: bool = False


@router.post("/data/imports", openapi_extra=page_for("approve", files=True))
async def send_files(desk: DeskGiven, request: Request) -> Response:
    """Keep the files, and show how they are read."""
    form = await request.form()
    sent = [each for each in form.getlist("files") if not isinstance(each, str) and each.filename]

    async def propose() -> str:
        files = [SentFile(sent_name(each), await each.read()) for each in sent]
        store = ProposalStore(desk.runtime.book.database)
        return str(await store.propose(await sheets_as_files(files), desk.caller.actor))

    if not sent:
        raise InvalidInput("No file is chosen. Go back, choose one or more, and send them.")
    address = f"/desk/data/imports/{await desk.once(str(form.get('once') or ''), propose)}"
    # A script that shows how much is sent would follow a redirect itself, and have the files read for nothing.
    return Response(None, 204, {"HX-Redirect": address}) if "hx-request" in request.headers else see_other(address)


@router.get("/data/imports/{number}", openapi_extra=page_for("read"))
async def one_import(number: Number, desk: DeskGiven) -> Response:
    """How the files are read and what they would change; once that is done, what it was."""
    return await _page(desk, number)


@router.post("/data/imports/{number}", openapi_extra=page_for("approve"))
async def read_again(number: Number, desk: DeskGiven, request: Request) -> Response:
    """Read the files as a person says, or leave one of them out."""
    form, store = await request.form(), ProposalStore(desk.runtime.book.database)
    if left_out := _said(form, "leave_out"):
        gone = await store.leave_out(number, left_out)
        return see_other("/desk/data") if gone else _import(number)
    files = await store.files(number)
    await store.read_as(number, {file.name: _how(form, place) for place, file in enumerate(files)})
    return _import(number)


@router.post("/data/imports/{number}/confirm", openapi_extra=page_for("approve"))
async def confirm(number: Number, form: Annotated[Yes, Form()], desk: DeskGiven) -> Response:
    """Bring the files in. A second yes is the same yes."""
    try:
        await ProposalStore(desk.runtime.book.database).confirm(number, desk.caller.actor, skip_bad=form.skip_bad)
    except (InvalidInput, Conflict) as error:
        return await _page(desk, number, error, unless="done")
    return _import(number)


@router.post("/data/imports/{number}/undo", openapi_extra=page_for("approve"))
async def undo(number: Number, form: Annotated[DeskForm, Form()], desk: DeskGiven) -> Response:
    """Give back the rows as they were before."""
    try:
        await ImportStore(desk.runtime.book.database).undo(number, desk.caller.actor)
    except Conflict as error:
        return await _page(desk, number, error, unless="undone")
    return _import(number)


@router.get("/data/imports/{number}/faults.csv", openapi_extra=page_for("approve"))
async def faults(number: Number, desk: DeskGiven) -> Response:
    """Every fault of the files, for a spreadsheet."""
    found = faults_of(await look_at(await ProposalStore(desk.runtime.book.database).files(number)))
    rows = ({name: without_commands(str(getattr(fault, name))) for name in _FAULT_COLUMNS} for fault in found)
    return await table_file("csv", rows, _FAULT_COLUMNS, f"faults-of-import-{number}")


async def _page(
    desk: Desk, number: int, refusal: InvalidInput | Conflict | None = None, *, unless: str = ""
) -> Response:
    """The import, with a refusal unless it has come to this already."""
    record = await ImportStore(desk.runtime.book.database).get(number)
    if record.status == unless:
        return _import(number)
    waits = record.status == "proposed" and "approve" in desk.caller.scopes
    return await desk.page(
        "import.html",
        refusal=refusal,
        record=record,
        kinds=KIND_WORDS,
        shown=SHOWN,
        automatic=await desk.runtime.book.automatic.get(),
        **await _proposal(desk, number) if waits else {"files": []},
    )


async def _proposal(desk: Desk, number: int) -> dict[str, Any]:
    """The files of an import that waits, and what they would change together."""
    store = ProposalStore(desk.runtime.book.database)
    found = await look_at(await store.files(number))
    files = await asyncio.to_thread(lambda: list(map(_shown, found)))
    shown = {"files": files, "faulty_rows": sum(file["faulty_rows"] for file in files), "obstacle": None}
    try:
        changes = await store.preview(found, desk.caller.actor)
    except InvalidInput as error:
        return shown | {"obstacle": error}
    return shown | {"changes": changes, "ready": all(each.reading for each in found)}


def _shown(looked_at: LookedAt) -> dict[str, Any]:
    """A file that was sent, as the page shows it."""
    reading, error, found = looked_at.reading, looked_at.question, _choices(looked_at)
    asked = error.role if isinstance(error, UnclearColumns) else ""
    faults = faults_of([looked_at])
    return {
        "sent": looked_at.sent,
        "reading": reading,
        "choices": found,
        "question": error,
        "sheets": error.candidates if isinstance(error, UnclearColumns) and asked == "sheet" else (),
        "roles": [_role(role, found, reading, asked) for role in roles(found.kind)] if found.kind else [],
        "faults": faults,
        "faulty_rows": len({fault.line for fault in faults}),
    }


def _role(role: Role, found: Choices, reading: FileReading | None, asked: str) -> dict[str, Any]:
    """One role of a file, the column that has it, and what stands there. What is settled or asked comes first."""
    column, is_asked = found.mapping.get(role.name, ""), role.name == asked
    values = [row[role.name] for row in reading.example if row.get(role.name)] if reading else []
    shown = ", ".join(values or found.columns.get(column, []))
    return {"role": role, "column": column, "stands": shown, "asked": is_asked, "first": is_asked or bool(column)}


def _choices(looked_at: LookedAt) -> Choices:
    sent, reading = looked_at.sent, looked_at.reading
    if reading is not None:
        columns: dict[str, list[str]] = {name: [] for name in (*reading.mapping.values(), *reading.unused)}
        return Choices(reading.kind, reading.mapping, columns)
    how = sent.how
    kind = next((known for known in KINDS if known == how.kind), None)
    found = choices(sent.content, name=sent.name, kind=kind, mapping=how.mapping, sheet=how.notation.get("sheet"))
    return found or Choices(None, {}, {})


def _how(form: FormData, place: int) -> ReadAs:
    """How a file is to be read. The columns of another kind do not count."""
    kind = _said(form, f"kind:{place}")
    notation = {name: said for name in ("decimal", "dates", "sheet") if (said := _said(form, f"{name}:{place}"))}
    for name, known in _NOTATION.items():
        if notation.get(name, known[0]) not in known:
            raise InvalidInput(f"There is no such way to write numbers or dates: {notation[name][:40]!r}.")
    prefix = f"map:{place}:"
    same = kind and kind == _said(form, f"was:{place}")
    mapping = {name.removeprefix(prefix): _said(form, name) for name in form if same and name.startswith(prefix)}
    return ReadAs(kind or None, mapping, notation)


def _said(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def _import(number: int) -> Response:
    return see_other(f"/desk/data/imports/{number}")
