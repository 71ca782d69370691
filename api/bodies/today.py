"""Today's list, page by page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from pydantic import Field

from api.bodies.fields import Answer
from tools.records.errors import InvalidInput
from tools.records.facts import Mode
from tools.sweep.lists import TodayList
from tools.sweep.today_rows import Status, TodayRow


class TodayPage(Answer):
    """A page of today's list."""

    version: str
    """Version of the list that this page belongs to. It changes with the catalogue, the orders and the day."""
    day: date = Field(description="The day in the catalogue's time zone.")
    mode: Mode
    total: int = Field(description="Rows that fit, on all pages together.")
    counts: dict[Status, int] = Field(description="How many of them have which status.")
    rows: tuple[TodayRow, ...] = Field(description="The rows of this page.")
    next: str | None = Field(description="Pass as `after` for the next page; null at the end.")

    @classmethod
    def of(cls, found: TodayList, fitting: Sequence[TodayRow], page: Sequence[TodayRow]) -> "TodayPage":
        return cls(
            version=found.version,
            day=found.day,
            mode=found.mode,
            total=len(fitting),
            counts=dict(Counter(row.status for row in fitting)),
            rows=tuple(page),
            next=str(Cursor(found.version, *page[-1].place)) if page and page[-1] is not fitting[-1] else None,
        )


class Cursor(NamedTuple):
    """Where a page ended: in which version of the list, and after which row."""

    version: str
    product_id: str
    location: str

    def __str__(self) -> str:
        return urlsafe_b64encode("\n".join(self).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Raises InvalidInput for anything that was not written here."""
        try:
            return cls(*urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("\n"))
        except (Error, ValueError, TypeError):
            raise InvalidInput("`after` is not the `next` of a page. Begin without it.") from None
