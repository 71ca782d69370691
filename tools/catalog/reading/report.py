"""A reading in words: which column is what, and the faults of a file by kind and by line."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path

from tools.catalog.reading.file_reading import Fault, FileReading
from tools.records.errors import FaultyFile, InvalidInput
from tools.records.text import several

SHOWN = 20
"""Faults that a report lists; `write_rejects` writes all."""


def mapping_report(reading: FileReading) -> str:
    """The columns by role with values of three rows, the columns that are not used, and the notes."""
    lines = [f"{reading.file}: {reading.kind}, {several(len(reading.frame), 'row')}"]
    for role, column in reading.mapping.items():
        values = ", ".join(row[role] for row in reading.example if row.get(role))
        lines.append(f"  {role} = {column!r}: {values or 'empty'}")
    if reading.unused:
        lines.append(f"  not used: {', '.join(reading.unused)}")
    return "\n".join([*lines, *(f"  {note}" for note in reading.notes)])


def fault_report(faults: Sequence[Fault]) -> str:
    """How many faults of each kind, and the first of them by line."""
    kinds = ", ".join(f"{count:,} × {code}" for code, count in Counter(fault.code for fault in faults).most_common())
    lines = [f"{several(len(faults), 'fault')}: {kinds}"]
    lines += map(_line, faults[:SHOWN])
    if len(faults) > SHOWN:
        lines.append(f"  and {len(faults) - SHOWN:,} more; --rejects FILE writes all of them.")
    return "\n".join(lines)


def refuse_faults(faults: Sequence[Fault]) -> None:
    """Raises FaultyFile with the report of the faults, if there are any."""
    if faults:
        raise FaultyFile(f"{fault_report(faults)}\nCorrect the lines, or leave them out with --skip-bad.")


def write_rejects(faults: Sequence[Fault], path: Path) -> None:
    """Every fault as a line of CSV. Raises InvalidInput where the file cannot be written."""
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(field.name for field in fields(Fault))
            lines.writerows(astuple(fault) for fault in faults)
    except OSError as error:
        raise InvalidInput(f"The faults cannot be written to {path}: {error.strerror or error}") from error


def _line(fault: Fault) -> str:
    return f"  {fault.file}, line {fault.line}, {fault.column} {fault.value!r}: {fault.problem}"
