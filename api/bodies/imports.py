"""Imports: files that were sent, what they hold, and what became of them."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from starlette.datastructures import UploadFile

from api.bodies.fields import Answer, Body
from tools.catalog.importing.record import ImportRecord, TableCounts
from tools.catalog.proposals import LookedAt, ReadAs, faults_of
from tools.catalog.reading.report import SHOWN
from tools.records.errors import InvalidInput
from tools.records.text import clean_text

Name = Annotated[str, Field(min_length=1, max_length=200)]
Mapping = Annotated[dict[Name, Name], Field(max_length=100)]


class FileHow(Body):
    """How one file is to be read."""

    kind: Annotated[str, Field(max_length=20)] | None = None
    """suppliers, products, stock, sales, open_orders, receipts or promotions; without it, by the columns."""
    mapping: Mapping = Field({}, description="Columns of the file by role; the other roles are found by name.")


class HowToRead(Body):
    """How files are to be read, by their names."""

    files: Annotated[dict[Name, FileHow], Field(max_length=100)] = Field(description="Kind and mapping by file name.")

    def of(self, name: str) -> ReadAs:
        """How the file of this name is to be read."""
        how = self.files.get(name)
        return ReadAs() if how is None else ReadAs(how.kind, how.mapping)


class Confirmation(Body):
    """A person's yes to a proposed import."""

    skip_bad: bool = Field(False, description="Leave out rows with faults. Without it, faults refuse the import.")


class FaultAnswer(Answer):
    """One bad cell or row."""

    line: int = Field(description="Line, as a spreadsheet counts.")
    column: str = Field(description="The file's column.")
    value: Annotated[str, BeforeValidator(lambda text: text[:200])] = Field(description="What stands there.")
    problem: str = Field(description="What is wrong and what to do.")
    code: str = Field(description="Stable kind of fault.")


class SentFileAnswer(Answer):
    """A file as it is read."""

    name: str = Field(description="Its name.")
    kind: str | None = Field(description="What its rows are; null if that must be said.")
    mapping: dict[str, str] = Field(description="The file's column by role.")
    examples: list[dict[str, str]] = Field(description="Up to three rows as they stand in the file, by role.")
    unused: tuple[str, ...] = Field(description="Columns that nothing is made of.")
    rows: int = Field(description="Rows that can be imported.")
    notes: tuple[str, ...] = Field(description="What was assumed or left out.")
    faults: tuple[FaultAnswer, ...] = Field(description="The first faults.")
    fault_counts: dict[str, int] = Field(description="How many faults there are of each kind.")
    question: str | None = Field(description="What must be said before it can be read; null if nothing.")

    @classmethod
    def of(cls, looked_at: LookedAt) -> "SentFileAnswer":
        reading, question = looked_at.reading, looked_at.question
        found = faults_of([looked_at])
        said: dict[str, Any] = {"kind": None, "mapping": {}, "examples": [], "unused": (), "rows": 0, "notes": ()}
        if reading is not None:
            said = {"examples": reading.example, "rows": len(reading.frame)}
        return cls.copy_of(
            reading,
            name=looked_at.sent.name,
            faults=found[:SHOWN],
            fault_counts=Counter(fault.code for fault in found),
            question=question and question.message,
            **said,
        )


class ProposalAnswer(Answer):
    """Files that wait to be confirmed: what they hold and would change."""

    number: int = Field(description="The import's number.")
    files: tuple[SentFileAnswer, ...] = Field(description="The files as they are read.")
    counts: dict[str, TableCounts] = Field(description="What would change, by table.")
    notes: tuple[str, ...] = Field(description="What would be assumed, made or left out.")
    ready: bool = Field(description="Whether it can be confirmed as it is: no question and no fault is left.")

    @classmethod
    def of(cls, number: int, looked_at: Sequence[LookedAt], changes: ImportRecord) -> "ProposalAnswer":
        files = tuple(map(SentFileAnswer.of, looked_at))
        ready = not any(file.question or file.fault_counts for file in files)
        return cls.copy_of(changes, number=number, files=files, ready=ready)


class ImportAnswer(ImportRecord, Answer):
    """One bringing in of data."""

    number: int = Field(description="Its number.")


class Imports(Answer):
    """A page of imports, newest first."""

    imports: tuple[ImportAnswer, ...] = Field(description="The imports of this page.")
    next: int | None = Field(description="Pass as `before` for the next page; null at the end.")


def sent_name(file: UploadFile) -> str:
    """The name of a file that was sent, in visible characters and without folders. Raises InvalidInput for none."""
    name = clean_text((file.filename or "").replace("\\", "/").rpartition("/")[2], limit=201)
    if not 0 < len(name) <= 200:
        raise InvalidInput("Every file needs a name of at most 200 characters, with its ending, such as sales.csv.")
    return name
