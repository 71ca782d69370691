"""Types that store the same values alike on SQLite and on PostgreSQL, and the database's clock."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Dialect, Double, Numeric, String, Text, TypeDecorator, literal_column
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from tools.records.quantities import quantity


class Instant(TypeDecorator[datetime]):
    """A moment in UTC. SQLite stores `2026-01-31T12:00:00.000Z`, so that text order is time order."""

    impl = String(24)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String(24))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An exact decimal: `numeric` on PostgreSQL, text on SQLite, which would make it a float."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(asdecimal=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return value if value is None or isinstance(value, Decimal) else Decimal(value)


class Quantity(TypeDecorator[float]):
    """How many. A whole one is read as an `int`. On SQLite the column keeps whole numbers as such and fractions too."""

    impl = Double
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Double() if dialect.name == "postgresql" else BigInteger())

    def process_result_value(self, value: Any, dialect: Dialect) -> float | None:
        return value if value is None or isinstance(value, int) else quantity(value)


class Now(FunctionElement[datetime]):
    """The database's clock, to the millisecond on SQLite and the microsecond on PostgreSQL."""

    type = Instant()
    inherit_cache = True


class NowPlus(FunctionElement[datetime]):
    """The database's clock, a number of seconds later."""

    type = Instant()
    inherit_cache = True


@compiles(Now, "sqlite")
def _now_sqlite(element: Now, compiler: SQLCompiler, **kw: Any) -> str:
    return "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"


@compiles(Now, "postgresql")
def _now_postgresql(element: Now, compiler: SQLCompiler, **kw: Any) -> str:
    # now() is the start of the transaction; an expiry must count the wait for locks too.
    return "statement_timestamp()"


@compiles(NowPlus, "sqlite")
def _now_plus_sqlite(element: NowPlus, compiler: SQLCompiler, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('%+.3f seconds', {seconds}))"


@compiles(NowPlus, "postgresql")
def _now_plus_postgresql(element: NowPlus, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(statement_timestamp() + make_interval(secs => {compiler.process(element.clauses, **kw)}))"


def as_indexed(condition: str) -> ColumnElement[bool]:
    """A condition written exactly as a partial index has it. SQLAlchemy would add `= 1` to a boolean one, and SQLite
    would then read the whole table."""
    words: ColumnElement[bool] = literal_column(condition)
    return words
