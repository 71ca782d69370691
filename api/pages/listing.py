"""What lists of reviews and orders are narrowed to. Their addresses say all of it, so that they can be sent on."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Depends, Query

from agent.runtime import Runtime
from api.pages import typed
from tools.book.filters import Filters

ROWS = 50
Word = Annotated[str, Query(max_length=200)]


class Listed:
    """What was asked of a list. Empty words ask for nothing, because a form sends all of its fields."""

    def __init__(
        self,
        supplier: Word = "",
        location: Word = "",
        product: Word = "",
        day: Word = "",
        late: Literal["", "true"] = "",
        value: Word = "",
        before: Annotated[str, Query(max_length=40)] = "",
    ) -> None:
        self.supplier, self.location, self.product = supplier.strip(), location.strip(), product.strip()
        self.day, self.late, self.value, self.before = day, late, value, before

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
        return any(value for name, value in vars(self).items() if name != "before")

    def address(self, path: str, **changed: Any) -> str:
        """The address of this list with other words in it."""
        return address_of(path, vars(self) | changed)


def address_of(path: str, words: dict[str, Any]) -> str:
    """An address with the words that say something."""
    said = {name: value for name, value in words.items() if value}
    return path + (f"?{urlencode(said, doseq=True)}" if said else "")


ListedGiven = Annotated[Listed, Depends()]
