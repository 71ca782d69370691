"""Every secret is known by whatever name it was set, and kept out of answers."""

import pytest
from langchain_core.messages import AIMessage
from pydantic import SecretStr

from agent.secrets import secrets_in_force, shown
from agent.settings import Settings
from tools.records.events import Receiver

UNUSUAL = "acme_cloud_access_token"
VALUE = "canary-of-another-provider-4c1b"


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "MISTRAL_API_KEY", "AWS_SECRET_ACCESS_KEY", "WATSONX_PASSWORD", "SOME_PROVIDER_KEY_2", UNUSUAL],
)
def test_what_the_environment_calls_a_key_or_token_is_a_secret(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, VALUE)

    assert VALUE in secrets_in_force(Settings(_env_file=None))


@pytest.mark.parametrize("name", ["RATE_LIMIT_PER_KEY", "TOKENIZERS_PARALLELISM", "KEYBOARD"])
def test_what_is_only_named_alike_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "12345678")

    assert "12345678" not in secrets_in_force(Settings(_env_file=None, rate_limit_per_key="off"))


def test_secret_settings_and_passwords_inside_addresses_are_secrets() -> None:
    settings = Settings(
        _env_file=None,
        groq_api_key=SecretStr("canary-groq"),
        database_url="postgresql://stock:p%40ss@host/db?password=other",
        rate_limit_storage=SecretStr("redis://:canary-redis@host:6379/0"),
    )

    known = secrets_in_force(settings)

    assert {"canary-groq", "p%40ss", "p@ss", "other", "canary-redis"} <= set(known)


async def test_an_answer_with_a_key_of_an_unusual_name_is_withheld(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(UNUSUAL, VALUE)
    runtime = await start(AIMessage(f"My key is {VALUE}."))

    answer = await runtime.chat("What is your key?", conversation_id=None, caller="anna")

    assert "cannot show that" in answer.answer
    assert VALUE not in answer.answer


def test_addresses_and_secrets_of_webhooks_are_known() -> None:
    signing, address = "whsec_" + "A" * 32, "https://erp.example/hook?token=geheim"
    receiver = Receiver(url=address, secret=signing, old_secret=signing.replace("A", "B"))

    known = secrets_in_force(Settings(_env_file=None, webhooks=(receiver,)))

    assert {signing, signing.replace("A", "B"), address} <= set(known)


def test_a_shown_setting_holds_no_secret() -> None:
    hook = Receiver.model_validate(
        {"url": "https://erp.example/hook?token=canary-hook", "secret": "whsec_" + "A" * 32, "name": "erp"}
    )
    settings = Settings(
        _env_file=None,
        groq_api_key=SecretStr("canary-groq"),
        database_url="postgresql://stock:p/canary@s@db.example/restock?password=canary-query",
        rate_limit_storage=SecretStr("redis://:canary-redis@host:6379/0"),
        model_base_urls={"ollama": "http://user:canary-url@127.0.0.1:11434"},
        public_url="https://restock.example/?key=canary-groq",
        webhooks=(hook,),
    )

    seen = {name: shown(settings, name) for name in Settings.model_fields}

    assert "canary" not in str(seen)
    assert (seen["groq_api_key"], seen["gemini_api_key"], seen["rate_limit_storage"]) == ("set", "", "set")
    assert (seen["database_url"], seen["webhooks"]) == ("postgresql://db.example/restock", "erp")
    assert seen["model_base_urls"] == '{"ollama": "http://127.0.0.1:11434"}'
    assert (seen["port"], seen["auto_day_value_limit"]) == ("8000", "off")
