"""What fields of requests take."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.dialects import sqlite

from agent.settings import Settings
from api.app import create_app
from api.bodies.fields import Body, Identifier, Moment, Units
from tools.storage.types import Instant

EXTREMES = ["0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59"]
ZONES = st.integers(-1_439, 1_439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def bodies(kind: type[Body]) -> Iterator[type[Body]]:
    yield kind
    for each in kind.__subclasses__():
        yield from bodies(each)


def times() -> dict[str, TypeAdapter[Any]]:
    """Every field of a request that takes a time."""
    create_app(Settings(_env_file=None))  # imports every route with its bodies
    fields = {
        f"{body.__name__}.{name}": TypeAdapter(Annotated[field.annotation, *field.metadata, None])
        for body in bodies(Body)
        for name, field in body.model_fields.items()
    }
    return {name: kind for name, kind in fields.items() if "'date" in str(kind.json_schema())}


def test_no_time_at_an_end_of_the_calendar_is_taken_anywhere() -> None:
    found = times()

    taken = [(name, extreme) for name, kind in found.items() for extreme in EXTREMES if takes(kind, extreme)]
    assert "NewKey.expires_at" in found
    assert taken == []


def takes(kind: TypeAdapter[Any], value: str) -> bool:
    try:
        kind.validate_python(value)
    except ValidationError:
        return False
    return True


@given(st.datetimes(timezones=ZONES))
def test_every_time_that_is_taken_can_be_stored(moment: datetime) -> None:
    assert takes(TypeAdapter(Moment), moment.isoformat()) is (2000 <= moment.year <= 2200)
    if 2000 <= moment.year <= 2200:
        assert Instant().process_bind_param(moment, sqlite.dialect())


@pytest.mark.parametrize("sent", ["100.0", "1e2", "100"])
def test_a_whole_number_may_be_written_with_a_point(sent: str) -> None:
    number = TypeAdapter(Units).validate_json(sent, strict=True)

    assert (number, type(number)) == (100, int)


def test_a_quantity_may_have_a_fraction() -> None:
    assert TypeAdapter(Units).validate_json("100.5", strict=True) == 100.5


@pytest.mark.parametrize("sent", ["1e-9", "1e300", "true", '"100"', "0.0", "-1.0"])
def test_what_is_no_quantity_within_bounds_is_refused(sent: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Units).validate_json(sent, strict=True)


@pytest.mark.parametrize("number", ["A&B 10%", "M8x20 (A2)", "007", "DN50/1.5+N", "Ø 12,5", "C#", "O'RING*3=2", "20°"])
def test_an_article_number_as_catalogues_have_it_is_an_id(number: str) -> None:
    assert takes(TypeAdapter(Identifier), number)


@pytest.mark.parametrize("text", ["", " A", "A ", "A  B", "A\u200bB", "A\nB", "<b>", "A;B", "A\u202eB", 'A"B'])
def test_what_cannot_be_seen_or_reads_as_markup_is_no_id(text: str) -> None:
    assert not takes(TypeAdapter(Identifier), text)
