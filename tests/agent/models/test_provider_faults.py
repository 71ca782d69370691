"""A sample of the fault matrix against the whole service; `make faults` runs all of it."""

from pathlib import Path

import pytest

from agent.settings import Settings
from benchmarks.faults import WAYS, WHO, measure, table


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("fault", ["503", "truncated", "text-for-call"])
async def test_a_request_ends_well_whatever_the_providers_do(tmp_path: Path, fault: str, who: str, way: str) -> None:
    result = await measure(fault, who, way, tmp_path)

    assert result.problems(Settings.model_construct().run_deadline_seconds) == []
    assert result.provider in ("google_genai", "groq", "rules")


async def test_a_broken_promise_shows_in_the_matrix(tmp_path: Path) -> None:
    result = await measure("503", "both", "trigger", tmp_path)

    assert result.problems(deadline=-2.0)[0].startswith("503 × both × trigger: took")
    assert "order by rules" in table([result])
