"""What requests and answers are made of. Requests are strict: no text for a number, no unknown field."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from starlette.responses import Response

from tools.records.quantities import FINEST, quantity
from tools.records.text import clean_text

MAX_QUANTITY = 1e9
FINEST_QUANTITY = FINEST
EARLIEST_YEAR, LATEST_YEAR = 2000, 2200


class Body(BaseModel):
    """A request."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True)


class Answer(BaseModel):
    """An answer. Money is a JSON number."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)

    def as_json(self) -> bytes:
        return self.model_dump_json().encode()

    def response(self, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        return Response(self.model_dump_json(), status, headers, media_type="application/json")

    @classmethod
    def copy_of(cls, record: object, **changed: Any) -> Self:
        """What a record says by the names of this answer's fields, but for those `changed`."""
        said = {name: getattr(record, name) for name in cls.model_fields.keys() - changed if hasattr(record, name)}
        return cls.model_validate(said | changed)


_SHOWS_ALL = re.compile(r"[\w.:/+&%#(),*='°²³-]+( [\w.:/+&%#(),*='°²³-]+)*")


def identifier(value: str) -> str:
    """An id of visible characters, such as article numbers have, with single spaces inside."""
    if not _SHOWS_ALL.fullmatch(value) or (not value.isascii() and clean_text(value, limit=len(value)) != value):
        raise PydanticCustomError(
            "identifier",
            "Use letters, digits, . _ : / + & % # ( ) , * = ' - and single spaces inside; nothing invisible",
        )
    return value


def cleaned(limit: int) -> AfterValidator:
    """Text on one line without invisible characters."""
    return AfterValidator(lambda text: clean_text(text, limit=limit))


def _price(value: float) -> float:
    if Decimal(repr(value)).as_tuple().exponent < -6:  # type: ignore[operator]
        raise PydanticCustomError("price_digits", "Use at most 6 decimal places")
    return value


def no_finer_than(grain: float) -> AfterValidator:
    """Zero, or at least `grain`: a smaller value is a slip, and makes calculations run off to infinity."""

    def check(value: float) -> float:
        if 0 < abs(value) < grain:
            raise _too_fine(grain)
        return value

    return AfterValidator(check)


def all_countable(demand: list[float | None]) -> list[float | None]:
    """The same of a history in units, none below 0. It is looked at as a whole, because it may be long."""
    if min(filter(None, demand), default=FINEST) >= FINEST:
        return demand
    faults = [
        InitErrorDetails(type=_too_fine(FINEST), loc=(place,), input=value)
        for place, value in enumerate(demand)
        if value and value < FINEST
    ]
    raise ValidationError.from_exception_data("demand", faults)


def _too_fine(grain: float) -> PydanticCustomError:
    return PydanticCustomError("too_fine", "Use 0 or at least {grain}", {"grain": grain})


def _whole(value: object) -> object:
    """Many systems write every number with a point: 100.0 is 100. A fraction is left, to be refused."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _near(moment: datetime) -> datetime:
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise PydanticCustomError(
            "year", "Use a year from {first} to {last}", {"first": EARLIEST_YEAR, "last": LATEST_YEAR}
        )
    return moment


def money(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value))


Identifier = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(identifier)]
Label = Annotated[str, Field(max_length=200), cleaned(200)]
Notes = Annotated[str, Field(max_length=1_000), cleaned(1_000)]
Demand = Annotated[float, Field(ge=0, le=1e8)]
Quantity = Annotated[float, Field(ge=0, le=MAX_QUANTITY), no_finer_than(FINEST_QUANTITY)]
WholeNumber = BeforeValidator(_whole)
Units = Annotated[float, Field(ge=FINEST_QUANTITY, le=MAX_QUANTITY), AfterValidator(quantity)]
"""How many, and more than none. 60.0 is 60."""
SomeUnits = Annotated[float, Field(ge=0, le=MAX_QUANTITY), no_finer_than(FINEST_QUANTITY), AfterValidator(quantity)]
Number = Annotated[int | float, WithJsonSchema({"type": "number"})]
"""Of units, in an answer: whole where it is."""
Moment = Annotated[AwareDatetime, Field(strict=False), AfterValidator(_near)]
"""A date and time with its zone, far from the ends of the calendar, where no clock can be converted."""
Days = Annotated[float, Field(ge=0, le=3_650), no_finer_than(0.001)]
Lateness = Annotated[float, Field(ge=-3_650, le=3_650), no_finer_than(0.001)]
SomeDays = Annotated[float, Field(ge=0.001, le=3_650)]
Price = Annotated[float, Field(ge=0, le=1e9), AfterValidator(_price)]
ServiceLevel = Annotated[float, Field(gt=0, le=0.999)]
Money = Annotated[Decimal, PlainSerializer(float, return_type=float), WithJsonSchema({"type": "number"})]
NextPage = Field(description="Pass as `before` for the next page; null at the end.")
