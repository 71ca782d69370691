"""A good assistant can answer every question of planners: at most three lookups, and every figure is in a result."""

from collections.abc import Sequence
from typing import Any

import pytest

from agent.runtime import open_runtime
from agent.settings import Settings
from tests.assistant import CONVERSATIONS, Turn, link, prepare, talk

MOST_CALLS = 3


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda conversation: conversation[0].asked)
async def test_every_question_is_answered_by_at_most_three_calls_with_figures_of_their_results(
    assisted: Any, conversation: Sequence[Turn]
) -> None:
    answers = await talk(assisted, conversation)

    for turn, answer in zip(conversation, answers, strict=True):
        assert (answer.llm_provider, len(answer.tools_used)) == ("assistant", len(turn.calls)), turn.asked
        assert 0 < len(answer.tools_used) <= MOST_CALLS
        assert answer.unverified == (), answer.answer
        assert any(character.isdecimal() for character in answer.answer), answer.answer


async def test_the_same_answers_with_another_figure_are_marked(settings: Settings) -> None:
    """Else the test above could not fail."""
    async with open_runtime(settings, models=[link(change=lambda text: f"{text} That makes 98,765.4.")]) as runtime:
        await prepare(runtime)
        answers = [await talk(runtime, conversation[:1]) for conversation in CONVERSATIONS[:5]]

    assert [answer.unverified for (answer,) in answers] == [("98,765.4",)] * 5


@pytest.fixture
async def assisted(settings: Settings) -> Any:
    async with open_runtime(settings, models=[link()]) as runtime:
        await prepare(runtime)
        yield runtime
