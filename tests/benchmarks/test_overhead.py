"""The ways to decide that the service's cost is held against."""

from pathlib import Path

from agent.runtime import open_runtime
from benchmarks.decision import facts
from benchmarks.overhead import Rivals, groq_model, settings
from tests.providers.gemini import GeminiServer
from tests.providers.groq import GroqServer
from tools.planning.replenishment import plan


async def test_all_three_ways_order_what_was_planned(tmp_path: Path) -> None:
    async with (
        GeminiServer() as gemini,
        GroqServer() as groq,
        groq_model(groq.url) as model,
        open_runtime(settings(tmp_path, gemini.url, groq.url)) as runtime,
    ):
        rivals = Rivals(runtime, gemini.url, model)
        for number, way in enumerate((rivals.bare_loop, rivals.create_agent, rivals.restock)):
            await way(number)
        orders = await runtime.book.orders.page()

    planned = [plan(facts(number)).order_quantity for number in range(3)]
    assert [order.items[0].quantity for order in reversed(orders)] == planned
