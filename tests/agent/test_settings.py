"""Settings come from the environment, and `.env.example` tells the truth about them."""

import pytest
from pydantic import ValidationError

from agent.settings import Settings
from scripts.env_example import TARGET, env_example


def test_the_example_file_lists_every_setting_with_its_default_and_meaning() -> None:
    assert TARGET.read_text(encoding="utf-8") == env_example()


def test_every_commented_default_can_be_uncommented(monkeypatch: pytest.MonkeyPatch) -> None:
    for line in TARGET.read_text(encoding="utf-8").splitlines()[1:]:
        name, _, rest = line.removeprefix("#").partition("=")
        monkeypatch.setenv(name, rest.partition("  # ")[0].strip())

    assert Settings(_env_file=None) == Settings.model_construct()


def test_the_environment_sets_and_an_empty_value_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.setenv("FALLBACK_MODELS", "groq:a, ollama:b")
    monkeypatch.setenv("API_KEY", "")

    settings = Settings(_env_file=None)

    assert (settings.port, settings.fallback_models, settings.api_key) == (8123, ("groq:a", "ollama:b"), None)


def test_a_threshold_that_is_no_probability_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIDENCE_THRESHOLD", "60")

    with pytest.raises(ValidationError, match="confidence_threshold"):
        Settings(_env_file=None)
