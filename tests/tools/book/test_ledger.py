"""The ledger behind the limits, claim by claim, on a table in memory."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from tools.book import spending
from tools.book.spending import Spender
from tools.records.money import DayLimit, Limit
from tools.storage.caller_schema import spending as ledger
from tools.storage.schema import metadata

ERP = "key_erp"
DAY, NEXT_DAY = "2026-11-30", "2026-12-01"
OF_ALL = DayLimit(amount=Decimal(1000), currency="USD", exchange_rates={"EUR": Decimal(2)})


def spender(**most: str) -> Spender:
    return Spender(ERP, "erp", (Limit(currency="EUR", **{span: Decimal(amount) for span, amount in most.items()}),))


@pytest.fixture
def alone() -> Iterator[sa.Engine]:
    """A ledger in memory, without the rest of an order book."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    metadata.create_all(engine, [ledger])
    yield engine
    engine.dispose()


@pytest.fixture
def take(alone: sa.Engine):
    """Takes a value in EUR from the limits given."""

    def reserve(value: str | None, by: Spender = Spender(ERP, "erp"), **how: Any) -> str | None:  # noqa: B008
        given: dict[str, Any] = {"currency": "EUR", "day": DAY, "day_limit": None} | how
        with alone.begin() as connection:
            return spending.reserve(
                connection,
                None if value is None else Decimal(value),
                given["currency"],
                day=given["day"],
                spender=by,
                day_limit=given["day_limit"],
            )

    return reserve


@pytest.mark.parametrize(("value", "words"), [(None, "No unit price is known"), ("0", "The unit price is 0")])
def test_a_value_that_is_not_known_passes_where_there_is_no_limit_and_no_other(take, value: str | None, words: str):
    refusal = f"{words}, so the order's value cannot be held against the spending limits."
    assert take(value) is None
    assert take(value, spender(per_day="1")) == refusal
    assert take(value, day_limit=OF_ALL) == refusal


@pytest.mark.parametrize("span", ["per_day", "in_total"])
def test_orders_may_add_up_to_exactly_a_key_s_limit(take, span: str) -> None:
    words = {"per_day": "a day", "in_total": "in total"}[span]
    by = spender(**{span: "100"})
    assert take("60", by) is None
    assert take("40.000001", by) == (
        f"Key 'erp' may spend 100.00 EUR {words}, of which 40.00 EUR are left; this order is 40.00 EUR."
    )
    assert take("40", by) is None
    assert take("0.000001", by) is not None


def test_orders_may_add_up_to_exactly_the_limit_of_a_day(take) -> None:
    assert take("300", day_limit=OF_ALL) is None
    assert take("200", day_limit=OF_ALL) is None
    assert take("0.01", day_limit=OF_ALL) == (
        "Automatic orders may cost 1,000.00 USD a day together, of which 0.00 USD are left; this order is 0.02 USD."
    )
    assert take("500", day_limit=OF_ALL, day=NEXT_DAY) is None


def test_one_order_beyond_the_limit_of_a_day_is_told_so(take) -> None:
    assert take("500.01", day_limit=OF_ALL) == (
        "Automatic orders may cost 1,000.00 USD a day together; this order is 1,000.02 USD."
    )
    assert take("1", day_limit=OF_ALL, currency="GBP") == (
        "The limit of a day is in USD and no exchange rate for GBP is set, so the order cannot be held against it."
    )
    assert take("1000", day_limit=OF_ALL, currency="USD") is None


def test_a_day_begins_anew_and_the_total_goes_on(take) -> None:
    by = spender(per_day="100", in_total="150")
    assert take("100", by) is None
    assert "in total, of which 50.00 EUR are left" in take("60", by, day=NEXT_DAY)
    assert take("50", by, day=NEXT_DAY) is None


def test_a_limit_on_one_order_takes_nothing_from_a_ledger(take, alone: sa.Engine) -> None:
    by = spender(per_order="100")
    assert take("100", by) is None
    assert take("100.01", by) == "Key 'erp' may spend 100.00 EUR on one order; this order is 100.01 EUR."
    assert take("100", by, currency="GBP") == (
        "Key 'erp' has spending limits in EUR and none in GBP, so it may spend nothing in GBP."
    )
    with alone.connect() as connection:
        assert connection.execute(sa.select(ledger)).all() == []


@pytest.mark.parametrize("last", ["in_total", "day_limit"])
def test_what_the_last_limit_refuses_is_given_back_to_all_before_it(take, alone: sa.Engine, last: str) -> None:
    by = spender(per_day="100", in_total="150")
    assert take("100", by, day_limit=OF_ALL) is None
    refused_day = DAY if last == "day_limit" else NEXT_DAY
    wide = spender(per_day="100000", in_total="150" if last == "in_total" else "100000")
    assert take("60" if last == "in_total" else "410", wide, day_limit=OF_ALL, day=refused_day) is not None
    with alone.connect() as connection:
        rows = connection.execute(sa.select(ledger.c.account, ledger.c.period, ledger.c.currency, ledger.c.spent))
        kept = {tuple(row[:3]): row[3] / 10**6 for row in rows if row[3]}
    assert kept == {("*", DAY, "USD"): 200, (ERP, DAY, "EUR"): 100, (ERP, "total", "EUR"): 100}


def test_the_smallest_part_of_a_price_counts_as_a_millionth(take, alone: sa.Engine) -> None:
    assert take("0.0000001", spender(in_total="1")) is None
    with alone.connect() as connection:
        assert connection.scalar(sa.select(ledger.c.spent)) == 1


def test_room_is_what_could_be_spent_now_and_takes_nothing(take, alone: sa.Engine) -> None:
    by = spender(per_day="100", per_order="80")

    def room(value: str, currency: str = "EUR") -> bool:
        with alone.begin() as connection:
            return spending.room(connection, Decimal(value), currency, day=DAY, spender=by)

    whole = spender(per_day="100")
    with alone.begin() as connection:
        assert spending.room(connection, Decimal(100), "EUR", day=DAY, spender=whole)
        assert not spending.room(connection, Decimal("100.01"), "EUR", day=DAY, spender=whole)
    assert room("80")
    assert take("60", by) is None
    assert (room("40"), room("40.01"), room("81"), room("1", "GBP")) == (True, False, False, False)
    assert room("40")
    with alone.begin() as connection:
        assert spending.room(connection, Decimal(10**9), "GBP", day=DAY, spender=Spender("key_free", "free"))


def test_what_was_spent_is_restated_whole_and_never_beyond_what_can_be_counted(take, alone: sa.Engine) -> None:
    assert take("60", spender(per_day="100")) is None
    assert take("60", Spender("key_other", "other", spender(per_day="100").limits)) is None
    with alone.begin() as connection:
        spending.restate(connection, ERP, {(DAY, "EUR"): Decimal(10**30), ("total", "GBP"): Decimal("0.5")})
        rows = connection.execute(sa.select(ledger).order_by(ledger.c.account, ledger.c.period)).all()
    assert sorted(tuple(row) for row in rows) == [
        (ERP, DAY, "EUR", 10**18),
        (ERP, "total", "GBP", 500_000),
        ("key_other", DAY, "EUR", 60_000_000),
    ]
    with alone.begin() as connection:
        spending.restate(connection, ERP, {})
        assert connection.scalar(sa.select(sa.func.count()).select_from(ledger)) == 1


def test_limits_are_read_as_they_were_stored() -> None:
    limit = Limit(currency="EUR", per_order=Decimal("1.5"))
    assert spending.limits_from([limit.model_dump(mode="json")]) == (limit,)
    assert spending.limits_from(None) == ()
