"""What lists are narrowed to. Their addresses say all of it, so that they can be kept and sent on."""

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Depends, Query
from pydantic import AfterValidator

from agent.runtime import Runtime
from api.pages import typed
from tools.book.filters import Filters

ROWS = 50
Word = Annotated[str, Query(max_length=200), AfterValidator(str.strip)]
"""An empty word asks for nothing, because a form sends all of its fields."""


@dataclass(frozen=True)
class Asked:
    """What was asked of a list."""

    def address(self, path: str, **changed: Any) -> str:
        """The address of this list with other words in it."""
        usual = {field.name: field.default for field in fields(self)}
        words = {name: value for name, value in (vars(self) | changed).items() if value and value != usual.get(name)}
        return path + (f"?{urlencode(words, doseq=True)}" if words else "")


@dataclass(frozen=True)
class Listed(Asked):
    """What was asked of a list of orders or reviews."""

    supplier: Word = ""
    location: Word = ""
    product: Word = ""
    day: Word = ""
    late: Literal["", "true"] = ""
    value: Word = ""
    before: Annotated[str, Query(max_length=40)] = ""

    async def filters(self, runtime: Runtime) -> Filters:
        return await runtime.purchasing.filters(
            product=self.product or None,
            supplier=self.supplier or None,
            location=self.location or None,
            day=typed.day(self.day),
            late=True if self.late else None,
            value=Decimal(repr(typed.number(self.value, "value"))) if self.value else None,
        )

    @property
    def narrowed(self) -> bool:
        """Whether anything is left out."""
        return any((self.supplier, self.location, self.product, self.day, self.late, self.value))


ListedGiven = Annotated[Listed, Depends()]
