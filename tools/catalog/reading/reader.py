"""Reads a file in three steps: open it, map its columns to roles, read its rows."""

import io
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from tools.catalog.reading.file_reading import DateOrder, Decimal, Fault, FileReading, Kind
from tools.catalog.reading.mapping import checked_mapping, kind_of, mapped
from tools.catalog.reading.roles import content


def read_file(
    source: Path | bytes,
    *,
    name: str,
    kind: Kind | None = None,
    mapping: Mapping[str, str] = {},
    sheet: str | None = None,
    decimal: Decimal | None = None,
    dates: DateOrder | None = None,
    today: date | None = None,
) -> FileReading:
    """The rows of a file by role. `mapping` names columns by role, `sheet` the sheet of a workbook.

    `decimal` and `dates` say how numbers and dates are written where the file itself leaves that open.

    Raises UnclearColumns, UnclearNotation, and InvalidInput for what is no table.
    """
    import pandas as pd

    raw = source if isinstance(source, bytes) else source.read_bytes()
    text = pd.read_csv(io.BytesIO(raw), dtype=str, keep_default_na=False, encoding="utf-8-sig").map(str.strip)
    text.index = text.index + 2
    columns = list(text.columns)
    given = checked_mapping(mapping, columns, kind)
    kind = kind or kind_of(columns, given, wide=False)
    found = mapped(columns, kind, given).columns
    frame = pd.DataFrame(index=text.index)
    faults: list[Fault] = []
    for role, column in found.items():
        cells = text[column]
        if content(role) == "number":
            frame[role] = pd.to_numeric(cells.where(cells != ""), errors="coerce").astype("float64")
        elif content(role) == "day":
            frame[role] = pd.to_datetime(cells, errors="coerce", format="ISO8601")
        else:
            frame[role] = cells
            continue
        bad = frame.index[frame[role].isna() & (cells != "")]
        faults += [Fault(name, line, column, cells[line], "Correct it.", "unreadable") for line in bad]
    frame = frame[~frame.index.isin([fault.line for fault in faults])]
    example = [dict(zip(found, row, strict=True)) for row in text[list(found.values())].head(3).to_numpy()]
    unused = tuple(column for column in columns if column not in found.values())
    return FileReading(name, kind, found, unused, example, frame, tuple(faults))
