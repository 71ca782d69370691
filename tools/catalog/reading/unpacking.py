"""What a workbook takes once it is unpacked, found out before it is: a small file may hold more than the machine."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import IO
from zipfile import BadZipFile, ZipFile
from zlib import error as broken_deflate

from tools.records.errors import InvalidInput

MOST_UNPACKED = 500_000_000
MOST_CELLS = 30_000_000
"""Of a sheet, empty ones included: a sheet is read as a rectangle, so one stray cell far away makes it huge."""
_PIECE, _LONGEST_PLACE = 1_000_000, 64
_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Z]{0,3})([0-9]{1,7})["']""")


def require_room(raw: bytes, name: str) -> None:
    """Raises InvalidInput for a workbook that is too large to be read."""
    try:
        with ZipFile(BytesIO(raw)) as parts:
            sizes = [part.file_size for part in parts.infolist()]
            require_at_most(sum(sizes), MOST_UNPACKED, "bytes once it is unpacked", name)
            for part in parts.namelist():
                with parts.open(part) as file:
                    require_at_most(_cells(file), MOST_CELLS, "cells on a sheet, empty ones included", name)
    except (BadZipFile, broken_deflate, EOFError, NotImplementedError, RuntimeError) as error:
        raise InvalidInput(f"{name} cannot be read as a workbook: {error}. Save it again as .xlsx or CSV.") from error


def require_at_most(found: int, most: int, what: str, name: str) -> None:
    if found > most:
        raise InvalidInput(
            f"{name} has {found:,} {what}; at most {most:,} are read. Keep only the table"
            " in it; a large sheet is best saved as CSV."
        )


def _cells(file: IO[bytes]) -> int:
    """Cells of the rectangle around all cells that are named."""
    lines, columns = 0, set[bytes]()
    for piece in _pieces(file):
        for letters, digits in _PLACE.findall(piece):
            columns.add(letters)
            lines = max(lines, int(digits))
    return lines * max(map(_column, columns), default=0)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The file in pieces that overlap, so that no place is cut. An untrue size in the archive is an error."""
    before = b""
    while piece := file.read(_PIECE):
        yield before + piece
        before = piece[-_LONGEST_PLACE:]


def _column(letters: bytes) -> int:
    """
    >>> _column(b"A"), _column(b"AA"), _column(b"XFD")
    (1, 27, 16384)
    """
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
