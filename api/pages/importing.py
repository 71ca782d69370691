"""One import at the desk: files that were sent, how they are read, what they would change, and the yes to it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from fastapi import Form, Path, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from api.bodies.imports import sent_name
from api.door.doorkeeper import page_for
from api.door.errors import status_of
from api.pages.desk import Desk, DeskForm, DeskGiven, desk_router, see_other
from api.pages.files import table_file
from tools.catalog.importing.record import ImportRecord
from tools.catalog.importing.sources import KINDS
from tools.catalog.imports import ImportStore
from tools.catalog.proposals import LookedAt, ProposalStore, ReadAs, SentFile, faults_of, look_at, sheets_as_files
from tools.catalog.reading import Choices, DateOrder, Decimal, Fault, UnclearColumns, choices
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
        return see_other("/desk/data" if gone else f"/desk/data/imports/{number}")
    files = await store.files(number)
    await store.read_as(number, {file.name: _how(form, place) for place, file in enumerate(files)})
    return see_other(f"/desk/data/imports/{number}")


@router.post("/data/imports/{number}/confirm", openapi_extra=page_for("approve"))
async def confirm(number: Number, form: Annotated[Yes, Form()], desk: DeskGiven) -> Response:
    """Bring the files in. A second yes is the same yes."""
    try:
        await ProposalStore(desk.runtime.book.database).confirm(number, desk.caller.actor, skip_bad=form.skip_bad)
    except (InvalidInput, Conflict) as error:
        return await _refused(desk, number, error, unless="done")
    return see_other(f"/desk/data/imports/{number}")


@router.post("/data/imports/{number}/undo", openapi_extra=page_for("approve"))
async def undo(number: Number, form: Annotated[DeskForm, Form()], desk: DeskGiven) -> Response:
    """Give back the rows as they were before."""
    try:
        await ImportStore(desk.runtime.book.database).undo(number, desk.caller.actor)
    except Conflict as error:
        return await _refused(desk, number, error, unless="undone")
    return see_other(f"/desk/data/imports/{number}")


@router.get("/data/imports/{number}/faults.csv", openapi_extra=page_for("approve"))
async def faults(number: Number, desk: DeskGiven) -> Response:
    """Every fault of the files, for a spreadsheet."""
    found = faults_of(await look_at(await ProposalStore(desk.runtime.book.database).files(number)))
    rows = ({name: getattr(fault, name) for name in _FAULT_COLUMNS} for fault in map(_in_words, found))
    return await table_file("csv", rows, _FAULT_COLUMNS, f"faults-of-import-{number}")


@dataclass(frozen=True)
class RoleShown:
    """One role of a file, the column that has it, and what stands there."""

    role: Role
    column: str
    values: str
    asked: bool

    @property
    def first(self) -> bool:
        return self.asked or bool(self.column)


@dataclass(frozen=True)
class FileShown:
    """A file that was sent, as the page shows it."""

    looked_at: LookedAt
    choices: Choices

    @property
    def question(self) -> str:
        error = self.looked_at.question
        return without_commands(error.message) if error else ""

    @property
    def kind(self) -> str:
        return self.choices.kind or ""

    @property
    def asked(self) -> str:
        """What the question is about, if about one role or the sheet."""
        error = self.looked_at.question
        return error.role if isinstance(error, UnclearColumns) else ""

    @property
    def sheets(self) -> Sequence[str]:
        error = self.looked_at.question
        return error.candidates if isinstance(error, UnclearColumns) and error.role == "sheet" else ()

    @property
    def roles(self) -> list[RoleShown]:
        return [self._shown(role) for role in roles(self.choices.kind)] if self.choices.kind else []

    def _shown(self, role: Role) -> RoleShown:
        column, reading = self.choices.mapping.get(role.name, ""), self.looked_at.reading
        values = [row[role.name] for row in reading.example if row.get(role.name)] if reading else []
        values = values or self.choices.columns.get(column, [])
        return RoleShown(role, column, ", ".join(values), role.name == self.asked)

    @property
    def rows(self) -> int:
        return len(self.looked_at.reading.frame) if self.looked_at.reading else 0

    @property
    def notes(self) -> list[str]:
        return [without_commands(note) for note in self.looked_at.reading.notes] if self.looked_at.reading else []

    @property
    def faults(self) -> list[Fault]:
        return [_in_words(fault) for fault in faults_of([self.looked_at])]

    @property
    def faulty_rows(self) -> int:
        return len({fault.line for fault in faults_of([self.looked_at])})


async def _page(desk: Desk, number: int, refused: str = "", status: int = 200) -> Response:
    record = await ImportStore(desk.runtime.book.database).get(number)
    waits = record.status == "proposed" and "approve" in desk.caller.scopes
    proposal = await _proposal(desk, number) if waits else {"files": []}
    return await desk.page(
        "import.html",
        status,
        record=record,
        refused=refused,
        kinds=KIND_WORDS,
        shown=SHOWN,
        automatic=await desk.runtime.book.automatic.get(),
        **{"notes": _notes(record)} | proposal,
    )


async def _proposal(desk: Desk, number: int) -> dict[str, Any]:
    """The files of an import that waits, and what they would change together."""
    store = ProposalStore(desk.runtime.book.database)
    found = await look_at(await store.files(number))
    files = await asyncio.to_thread(lambda: [FileShown(each, _choices(each)) for each in found])
    common = {"files": files, "faulty_rows": sum(file.faulty_rows for file in files), "obstacle": ""}
    try:
        changes = await store.preview(found, desk.caller.actor)
    except InvalidInput as error:
        return common | {"obstacle": without_commands(error.message)}
    return common | {"changes": changes, "notes": _notes(changes), "ready": all(each.reading for each in found)}


def _choices(looked_at: LookedAt) -> Choices:
    sent, reading = looked_at.sent, looked_at.reading
    if reading is not None:
        columns: dict[str, list[str]] = {name: [] for name in (*reading.mapping.values(), *reading.unused)}
        return Choices(reading.kind, reading.mapping, columns)
    how = sent.how
    kind = next((known for known in KINDS if known == how.kind), None)
    found = choices(sent.content, name=sent.name, kind=kind, mapping=how.mapping, sheet=how.notation.get("sheet"))
    return found or Choices(None, {}, {})


def _notes(record: ImportRecord) -> list[str]:
    return list(map(without_commands, record.notes))


def _in_words(fault: Fault) -> Fault:
    return Fault(fault.file, fault.line, fault.column, fault.value, without_commands(fault.problem), fault.code)


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


async def _refused(desk: Desk, number: int, error: InvalidInput | Conflict, *, unless: str) -> Response:
    """The import's page with the reason, unless it has come to this already."""
    record = await ImportStore(desk.runtime.book.database).get(number)
    if record.status == unless:
        return see_other(f"/desk/data/imports/{number}")
    return await _page(desk, number, without_commands(error.message), status_of(error))
