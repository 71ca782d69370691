"""In which order reviews are listed."""

from decimal import Decimal

import pytest

from tools.book.book import OrderBook
from tools.records.orders import Proposal
from tools.records.plan import Confidence


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_the_dearest_come_first_by_what_their_currency_is_worth_and_currencies_without_a_rate_last(
    book: OrderBook, waiting, size: int
) -> None:
    named = [
        ("EUROS", "EUR", "5", 40),  # 200
        ("EUROS_AGAIN", "EUR", "5", 40),
        ("DOLLARS", "USD", "6", 50),  # 150
        ("FEW_DEAR", "EUR", "90", 1),
        ("POUNDS", "GBP", "9", 900),
        ("FRANCS", "CHF", "9", 9),
        ("NO_PRICE", "EUR", None, 40),
    ]
    for product, currency, price, quantity in named:
        about = {"unit_price": None if price is None else Decimal(price), "currency": currency}
        await waiting(product_id=product, quantity=quantity, **about)

    found: list[Proposal] = []
    while page := await book.reviews.page(
        "pending", size, found[-1].id if found else None, worth={"EUR": 1.0, "USD": 0.5}
    ):
        found += page

    dearest = ["EUROS_AGAIN", "EUROS", "DOLLARS", "FEW_DEAR", "NO_PRICE", "FRANCS", "POUNDS"]
    assert [review.product_id for review in found] == dearest


async def test_without_rates_amounts_are_compared_within_a_currency_and_rows_are_the_newest_first(
    book: OrderBook, waiting
) -> None:
    for product, price in (("CHEAP", "1"), ("DEAR", "9")):
        await waiting(product_id=product, unit_price=Decimal(price))

    assert [each.product_id for each in await book.reviews.page("pending", worth={})] == ["DEAR", "CHEAP"]
    assert [row.product_id for row in await book.reviews.rows("pending")] == ["DEAR", "CHEAP"]


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_the_surest_come_first_and_the_newest_first_of_equally_sure_ones_from_page_to_page(
    book: OrderBook, waiting, size: int
) -> None:
    for product, value in (("OLD", 0.5), ("DOUBTFUL", 0.25), ("SURE", 0.75), ("MIDDLE", 0.5), ("NEW", 0.5)):
        sure = Confidence(value=value, raw=0.9, calibrated=True, label="calibrated")
        await waiting(product_id=product, confidence=sure)

    found: list[Proposal] = []
    while page := await book.reviews.page("pending", size, found[-1].id if found else None, surest=True):
        found += page

    assert [review.product_id for review in found] == ["SURE", "NEW", "MIDDLE", "OLD", "DOUBTFUL"]


@pytest.mark.parametrize("size", [1, 2, 5])
async def test_reviews_that_are_named_come_first_in_that_order(book: OrderBook, waiting, size: int) -> None:
    made = [(await waiting(product_id=product)).id for product in "ABCD"]
    first = (made[1], made[3], made[0])

    found: list[Proposal] = []
    while page := await book.reviews.page("pending", size, found[-1].id if found else None, first=first):
        found += page

    assert [review.product_id for review in found] == ["B", "D", "A", "C"]
