"""A planner who sells at a profit and loses what stock cannot serve asks for a plan, period by period."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.inventorybench import GROWTH, Facts, Instance, Result, moves, play, trending_games
from tests.api.conftest import X1, Service

PERIODS = 12


def games() -> list[Instance]:
    """One with growth at lead time 4, one that arrives at once, and one whose orders come late or never."""
    random = np.random.default_rng(7)
    growing = trending_games(1, GROWTH)[0]
    lost = random.choice([1.0, 2.0, 3.0, float("inf")], PERIODS)
    at_once, uncertain = (
        replace(growing, name=name, promised_lead_time=promised, lead_times=tuple(lead_times), demand=tuple(demand))
        for name, promised, lead_times, demand in (
            ("at once", 0, np.zeros(PERIODS), random.poisson(100, PERIODS).astype(float)),
            ("uncertain", 2, lost, random.poisson(np.repeat([100, 180], PERIODS // 2)).astype(float)),
        )
    )
    short = (game.demand[:PERIODS] for game in (growing, at_once, uncertain))
    return [
        replace(game, demand=demand, lead_times=game.lead_times[:PERIODS], economics=game.economics[:PERIODS])
        for game, demand in zip((growing, at_once, uncertain), short, strict=True)
    ]


async def served(service: Service, game: Instance) -> Result:
    """The game with every order taken from `POST /debug`."""
    turns = moves(game)
    facts: Facts = next(turns)
    while True:
        answer = await service.client.post("/debug", json=facts)
        assert answer.status_code == 200, answer.text
        try:
            facts = turns.send(answer.json()["recommended_quantity"])
        except StopIteration as end:
            result: Result = end.value
            return result


@pytest.mark.parametrize("game", games(), ids=["growing", "at once", "uncertain"])
async def test_games_through_debug_have_the_same_orders_as_through_the_calculator(
    shared: Service, game: Instance
) -> None:
    found = await served(shared, game)

    assert sum(found.orders) > 0
    assert found.orders == play(game).orders


async def test_the_answer_says_what_the_last_unit_earns(shared: Service) -> None:
    terms = {"service_type": "profit", "unit_profit": 40, "holding_cost": 90, "review_period_days": 7}

    answer = (await shared.client.post("/debug", json=X1 | terms)).json()

    assert answer["calculation"]["method"] == "profit"
    assert any(line.endswith(": it pays") for line in answer["calculation"]["derivation"])


async def test_a_profit_target_without_its_costs_is_refused_with_the_way_out(shared: Service) -> None:
    answer = await shared.client.post("/debug", json=X1 | {"service_type": "profit"})

    assert answer.status_code == 422
    assert "unit profit or a holding cost" in answer.text
