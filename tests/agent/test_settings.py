"""Settings come from the environment, and `.env.example` tells the truth about them."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agent.settings import GROUPS, Settings
from scripts.env_example import TARGET, env_example

SECRET = "whsec_" + "A" * 32
DEFAULT = re.compile(r"^#([A-Z_]+)=(.*)$", re.MULTILINE)
NAMED = re.compile(r"`([A-Z]+(?:_[A-Z]+)+)[`=]")
OF_OTHERS = {"HTTP_PROXY", "OPENAI_API_KEY", "RESTOCK_DATA", "SSL_CERT_FILE"}
OF_TRACES = ("OTEL_", "OPENINFERENCE_")
ROOT = TARGET.parent
DEFAULTS = DEFAULT.findall(TARGET.read_text(encoding="utf-8"))


def test_the_example_file_lists_every_setting_with_its_default_and_meaning() -> None:
    assert TARGET.read_text(encoding="utf-8") == env_example()


def test_every_commented_default_can_be_uncommented(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in DEFAULTS:
        monkeypatch.setenv(name, value)

    assert {name.lower() for name, _ in DEFAULTS} == set(Settings.model_fields)
    assert Settings(_env_file=None) == Settings.model_construct()


def test_every_setting_that_a_page_names_exists() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    named = {name for page in pages for name in NAMED.findall(page.read_text(encoding="utf-8"))}

    assert len(named) > 30
    unknown = named - {name for name, _ in DEFAULTS} - OF_OTHERS
    assert {name for name in unknown if not name.startswith(OF_TRACES)} == set()


def test_there_are_no_more_settings_than_a_person_can_look_through() -> None:
    assert len(DEFAULTS) <= 44


def test_settings_stand_in_groups_and_few_of_them_matter_at_the_first_run() -> None:
    groups = TARGET.read_text(encoding="utf-8").split("# === ")[1:]

    assert [group.partition(" ===")[0] for group in groups] == list(GROUPS.values())
    assert len(DEFAULT.findall(groups[0])) <= 8


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


def test_rates_to_the_dollar_are_not_taken_for_rates_to_another_currency() -> None:
    dollar, euro = Settings(_env_file=None), Settings(_env_file=None, limit_currency="EUR")
    stated = Settings(_env_file=None, limit_currency="EUR", exchange_rates={"USD": "0.9"})

    assert set(dollar.exchange_rates) == {"EUR", "GBP", "CHF"}
    assert euro.exchange_rates == {}
    assert stated.exchange_rates == {"USD": Decimal("0.9")}


@pytest.mark.parametrize("rate", ["0", "-1", "NaN", "Infinity"])
def test_a_rate_that_would_make_every_order_small_is_refused(rate: str) -> None:
    with pytest.raises(ValidationError, match="exchange_rates"):
        Settings(_env_file=None, exchange_rates={"EUR": rate})


def test_a_day_s_limit_is_there_when_it_is_set() -> None:
    assert Settings(_env_file=None).day_limit is None
    limit = Settings(_env_file=None, auto_day_value_limit=9, limit_currency="CHF").day_limit
    assert limit is not None
    assert (limit.amount, limit.currency) == (Decimal(9), "CHF")


def test_requests_are_counted_in_redis_by_its_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMIT_STORAGE", "rediss://:secret@host:6379/0")
    storage = Settings(_env_file=None).rate_limit_storage
    assert storage
    assert storage.get_secret_value() == "rediss://:secret@host:6379/0"

    monkeypatch.setenv("RATE_LIMIT_STORAGE", "memcached://host")
    with pytest.raises(ValidationError, match="redis://host"):
        Settings(_env_file=None)


@pytest.mark.parametrize(("limit", "said"), [(None, 1), (Decimal(5_000), 0)])
async def test_a_start_says_that_nothing_bounds_a_days_orders(
    start: Any, logs: list[Any], limit: Decimal | None, said: int
) -> None:
    await start(auto_day_value_limit=limit)

    assert sum(entry["event"] == "automatic_spending_unbounded" for entry in logs) == said


def test_receivers_of_events_are_a_list_in_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listed = [
        {"url": "https://erp.example/hook?token=geheim", "secret": SECRET},
        {"url": "http://shop/", "secret": SECRET},
    ]
    monkeypatch.setenv("WEBHOOKS", json.dumps(listed))
    (tmp_path / "webhooks").write_text(json.dumps(listed[:1]))

    settings = Settings(_env_file=None)
    monkeypatch.delenv("WEBHOOKS")

    assert [receiver.url.host for receiver in settings.webhooks] == ["erp.example", "shop"]
    assert Settings(_env_file=None, _secrets_dir=tmp_path).webhooks == settings.webhooks[:1]


@pytest.mark.parametrize(
    ("listed", "fault"),
    [
        ('{"geheim": ', "whole JSON|dictionary"),
        ('[{"url": "geheim", "secret": "geheim"}]', "valid URL"),
        (
            f'[{{"url": "https://geheim/", "secret": "{SECRET}"}}, {{"url": "https://geheim/", "secret": "{SECRET}"}}]',
            "own",
        ),
    ],
)
def test_a_list_of_receivers_that_is_wrong_is_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch, listed: str, fault: str
) -> None:
    monkeypatch.setenv("WEBHOOKS", listed)

    with pytest.raises(ValidationError, match=fault) as refusal:
        Settings(_env_file=None)

    assert "geheim" not in str(refusal.value)
    assert SECRET not in str(refusal.value)
