"""Which models the settings make, and what is said when they cannot."""

import pytest
from pydantic import SecretStr

from agent.metrics import Metrics
from agent.models import build_chain
from agent.settings import Settings


def test_only_providers_with_a_key_are_built() -> None:
    settings = Settings(_env_file=None, groq_api_key=SecretStr("k"))

    chain = build_chain(settings, rules=None, metrics=Metrics())

    assert [entry["provider"] for entry in chain.health()] == ["groq"]


def test_a_model_without_a_provider_is_refused_with_the_way_to_write_it() -> None:
    with pytest.raises(ValueError, match="provider:model"):
        Settings(_env_file=None, primary_model="gpt-oss-120b")


def test_a_provider_whose_package_is_missing_says_what_to_install() -> None:
    settings = Settings(_env_file=None, primary_model="cohere:command-a")

    with pytest.raises(ImportError, match="pip install langchain-cohere"):
        build_chain(settings, rules=None, metrics=Metrics())
