"""The catalogue in use."""

import pytest
import sqlalchemy as sa

from tests.own_catalogue import keep_bolts, put
from tools.book.book import OrderBook
from tools.catalog.present import PresentCatalog
from tools.records.errors import InvalidInput
from tools.storage import catalogue_schema as tables


async def test_past_demand_is_that_of_the_sample_until_there_is_an_own_catalogue(
    engine: sa.Engine, book: OrderBook
) -> None:
    sample, named = await PresentCatalog(book).past_demand()
    keep_bolts(engine)
    own, named_own = await PresentCatalog(book).past_demand()

    assert (named, named_own) == ("the sample catalogue", "your catalogue")
    assert len(sample.products) > 50
    assert own.products == ("BOLTS",)


async def test_a_catalogue_without_demand_says_what_to_bring(engine: sa.Engine, book: OrderBook) -> None:
    put(engine, tables.products, {"id": "NUTS", "name": "Nuts", "category": "", "supplier_id": None, "terms": {}})

    with pytest.raises(InvalidInput, match="no demand yet; import sales"):
        await PresentCatalog(book).past_demand()
