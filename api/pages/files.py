"""Tables to download."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO, StringIO
from typing import Literal

from starlette.responses import Response

from tools.records.tables import Cell, write_csv, write_xlsx

FileKind = Literal["csv", "xlsx"]
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def table_file(kind: FileKind, rows: Iterable[Mapping[str, Cell]], columns: Sequence[str], name: str) -> Response:
    """The rows as a file of this kind, which the browser saves under the name. A CSV begins with the mark without which
    Excel would take UTF-8 for something else."""
    if kind == "csv":
        text = StringIO()
        await asyncio.to_thread(write_csv, rows, columns, text)
        return file_answer(text.getvalue().encode("utf-8-sig"), "text/csv; charset=utf-8", f"{name}.csv")
    file = BytesIO()
    await asyncio.to_thread(write_xlsx, rows, columns, file)
    return file_answer(file.getvalue(), _XLSX, f"{name}.xlsx")


def file_answer(content: bytes, media_type: str, name: str) -> Response:
    return Response(content, headers={"Content-Disposition": f'attachment; filename="{name}"'}, media_type=media_type)
