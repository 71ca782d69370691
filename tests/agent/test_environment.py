"""What stands in the environment and in `.env` is taken as it was meant, or the start says what is wrong with it."""

import os
import tempfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from agent.environment import BadSettings, letters_between, read_settings
from agent.settings import Settings
from api.commands.opening import load_settings

SECRET = "canary-4be1-9d20-77aa-5c1e-0f3b-88d2"
USUAL = Path(__file__).with_name("usual_variables.txt").read_text(encoding="utf-8").split()
"""What Linux, shells, Docker, Kubernetes, CI systems, clouds and other programs set."""
LONG_NAMES = [name.upper() for name in Settings.model_fields if len(name) > 5]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """The variables of this process, none at first, in a folder without `.env`."""
    variables: dict[str, str] = {}
    monkeypatch.setattr(os, "environ", variables)
    monkeypatch.chdir(tmp_path)
    return variables


Faults = Callable[..., Sequence[str]]


@pytest.fixture
def faults(environment: dict[str, str]) -> Faults:
    """What the start says about these lines of `.env` and these variables; nothing where they are fine."""

    def found(*lines: str, **variables: str) -> Sequence[str]:
        Path(".env").write_text("\n".join(lines), encoding="utf-8")
        environment.update(variables)
        try:
            read_settings()
        except BadSettings as error:
            return error.faults
        return []

    return found


def test_a_line_that_nothing_knows_is_named_with_the_nearest_setting(faults: Faults) -> None:
    assert faults("AUTO_ORDER_VALUE_LIMITT=10", "length=3") == [
        "AUTO_ORDER_VALUE_LIMITT in .env is no setting; did you mean AUTO_ORDER_VALUE_LIMIT?",
        "Line 2 in .env is no setting; did you mean HOST?",
    ]


def test_a_variable_of_the_process_that_is_nearly_a_setting_stops_the_start(faults: Faults) -> None:
    assert faults(AUTO_ORDER_VALUE_LIMITT="10", RULES_MODLE="off", SOMETHING_ELSE="1") == [
        "AUTO_ORDER_VALUE_LIMITT in the environment is no setting; did you mean AUTO_ORDER_VALUE_LIMIT?",
        "RULES_MODLE in the environment is no setting; did you mean RULES_MODEL?",
    ]


@pytest.mark.parametrize("name", LONG_NAMES)
def test_every_slip_of_two_letters_in_a_name_is_found(faults: Faults, name: str) -> None:
    swapped = name[:2] + name[3] + name[2] + name[4:]
    slips = {name[1:-1], name + "XX", "XX" + name[2:], f"X{swapped}"} - set(USUAL)

    assert len(faults(**dict.fromkeys(slips, "1"))) == len(slips)


def test_variables_that_systems_set_stop_no_start(faults: Faults) -> None:
    assert len(USUAL) > 400
    assert faults(**dict.fromkeys(USUAL, "1")) == []


def test_variables_of_the_providers_in_the_chain_and_of_tracing_are_known_and_handed_on(
    faults: Faults, environment: dict[str, str]
) -> None:
    lines = (
        "OPENAI_API_KEY=k",
        "LANGSMITH_PROJECT=p",
        "OTEL_SERVICE_NAME=s",
        "OPENINFERENCE_HIDE_INPUTS=true",
        "COMPOSE_PROJECT_NAME=c",
    )

    assert faults(*lines) == ["OPENAI_API_KEY in .env is no setting; did you mean GEMINI_API_KEY?"]
    assert "LANGSMITH_PROJECT" not in environment
    assert faults("PRIMARY_MODEL=openai:gpt-5", *lines, LANGSMITH_PROJECT="mine") == []
    assert (environment["OPENAI_API_KEY"], environment["LANGSMITH_PROJECT"]) == ("k", "mine")


def test_the_key_of_a_provider_is_known_by_the_name_that_it_has_there(faults: Faults) -> None:
    models = "FALLBACK_MODELS=mistralai:mistral-large, perplexity:sonar,azure_openai:x"

    assert faults(models, "MISTRAL_API_KEY=k", "PPLX_API_KEY=k", "AZURE_OPENAI_API_KEY=k") == []


@pytest.mark.parametrize("value", ["500.", "500,", "5_", "", "  ", "'500", '"', "-"])
def test_a_number_that_is_cut_off_or_missing_stops_the_start(faults: Faults, value: str) -> None:
    in_the_process = faults(AUTO_ORDER_VALUE_LIMIT=value)

    assert len(in_the_process) == 1
    assert in_the_process[0].startswith("AUTO_ORDER_VALUE_LIMIT ")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("AUTO_ORDER_VALUE_LIMIT=", "AUTO_ORDER_VALUE_LIMIT is empty; write a number, or off for no limit."),
        ("PORT=", "PORT is empty; write a number."),
        ("PREFETCH=", "PREFETCH is empty; give it a value or remove the line."),
        ("PRIMARY_MODEL=", "PRIMARY_MODEL is empty; give it a value or remove the line."),
        ("RATE_LIMIT_PER_KEY=", "RATE_LIMIT_PER_KEY is empty; give it a value or remove the line."),
        ("PREFETCH=fals", "PREFETCH should be true or false."),
        ("PUBLIC_PAGES=docs,metric", "PUBLIC_PAGES (1) should be 'docs' or 'metrics'."),
        ("PORT=80a", "PORT should be a whole number."),
        ("PORT=99999", "PORT should be less than or equal to 65535."),
        ("LOG_LEVEL=loud", "LOG_LEVEL should be 'debug', 'info', 'warning' or 'error'."),
        ("AUTO_ORDER_VALUE_LIMIT=inf", "AUTO_ORDER_VALUE_LIMIT should be a finite number."),
        ("RATE_LIMIT_PER_KEY=100/", "RATE_LIMIT_PER_KEY should be a number in a time, as 100/minute, or off."),
        ("PRIMARY_MODEL=groq:openai/", "PRIMARY_MODEL should name provider:model, as groq:openai/gpt-oss-120b."),
        ("FALLBACK_MODELS=groq:a,b", "FALLBACK_MODELS (1) should name provider:model, as groq:openai/gpt-oss-120b."),
        ("FALLBACK_MODELS=groq:a,", "FALLBACK_MODELS ends in a comma; look whether it is cut off."),
        ('FALLBACK_MODELS=["groq:a", "groq', "FALLBACK_MODELS is not whole JSON; look whether it is cut off."),
        ('EXCHANGE_RATES={"EUR": 1.3, "GBP"', "EXCHANGE_RATES is not whole JSON; look whether it is cut off."),
        ('EXCHANGE_RATES={"EUR": 0}', "EXCHANGE_RATES (EUR) should be greater than 0."),
        ("WEBHOOKS=https://erp.example", "WEBHOOKS (0) should be an object, as {...}."),
        ('MODEL_PRICES={"a:b": 3}', "MODEL_PRICES (a:b) should be a list, as [...]."),
        ("EXCHANGE_RATES=1.3", "EXCHANGE_RATES should be JSON, as {...}."),
        ("HOST", "Line 1 of .env cannot be read; write NAME=value and close every quote."),
        ("HOST: ::1", "Line 1 of .env cannot be read; write NAME=value and close every quote."),
        ("HOST='127.0.0.1", "Line 1 of .env cannot be read; write NAME=value and close every quote."),
    ],
)
def test_each_fault_is_said_in_one_sentence(faults: Faults, line: str, words: str) -> None:
    assert faults(line) == [words]


def test_all_faults_of_a_start_are_said_at_once(faults: Faults) -> None:
    assert [fault.split()[0] for fault in faults("PROT=1", "PORT=x", "HOST", RULES_MODLE="1", PREFETCH="")] == [
        "PROT",
        "Line",
        "RULES_MODLE",
        "PORT",
        "PREFETCH",
    ]


def test_an_empty_list_or_address_is_none(environment: dict[str, str]) -> None:
    names = ("FALLBACK_MODELS", "MODEL_PRICES", "EXCHANGE_RATES", "TRUSTED_PROXIES", "PUBLIC_URL", "API_KEY", "HOST")
    environment.update(dict.fromkeys(names, ""))

    settings = read_settings()

    assert (settings.fallback_models, settings.trusted_proxies) == ((), ())
    assert (settings.model_prices, settings.exchange_rates) == ({}, {})
    assert (settings.public_url, settings.api_key, settings.host) == (None, None, "127.0.0.1")


def test_off_takes_a_limit_away(environment: dict[str, str]) -> None:
    environment.update(AUTO_ORDER_VALUE_LIMIT="off", AUTO_DAY_VALUE_LIMIT="OFF", DAY_COST_LIMIT="off")

    settings = read_settings()

    assert (settings.auto_order_value_limit, settings.day_limit, settings.day_cost_limit) == (None, None, None)


def test_the_environment_goes_before_the_file_and_a_blank_in_it_does_not(environment: dict[str, str]) -> None:
    Path(".env").write_text("export PORT=81\nDATABASE_URL=sqlite:///a.db\nAPI_KEY=" + SECRET)
    environment.update(PORT="82", DATABASE_URL="", API_KEY=" ")

    settings = read_settings()

    assert (settings.port, settings.database_url) == (82, "sqlite:///a.db")
    assert settings.api_key
    assert settings.api_key.get_secret_value() == SECRET


def test_a_secret_in_a_file_of_its_own_counts_where_the_environment_has_a_blank(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.environment.SECRETS", tmp_path)
    (tmp_path / "api_key").write_text(SECRET + "\n")
    (tmp_path / "gemini_api_key").write_text("")
    environment.update(API_KEY="", AUTO_ORDER_VALUE_LIMIT="7")

    settings = read_settings()

    assert settings.api_key
    assert settings.api_key.get_secret_value() == SECRET
    assert (settings.gemini_api_key, settings.auto_order_value_limit) == (None, Decimal(7))


def test_a_name_that_stands_twice_is_refused(faults: Faults) -> None:
    assert faults("PORT=1", "# HOST=x", "", "port=2") == ["port stands twice in .env, in lines 1 and 4; keep one."]


def test_a_short_key_is_refused_with_the_way_to_make_one(faults: Faults) -> None:
    assert faults(API_KEY=SECRET[:31]) == ["API_KEY has fewer than 32 characters; make one with: openssl rand -hex 24."]
    assert faults(API_KEY=SECRET[:32]) == []


@pytest.mark.parametrize(
    "lines",
    [
        (f'API_KEY="{SECRET}', "PORT=x"),
        (f'API_KEY="{SECRET}', "PORT=8000", 'HOST="'),
        (f"API_KEY={SECRET[:9]}", f"{SECRET[9:]}=", SECRET),
        ("API_KEY=aB3dE5", "Gh7jK9mN1pQ3=", f"'{SECRET}"),
        (f"RATE_LIMIT_STORAGE={SECRET}", f"GROQ_API_KEY='{SECRET}"),
        (f"MODEL_BASE_URLS={{'a': '{SECRET}", f"DATABASE_URL='{SECRET}"),
    ],
)
def test_no_sentence_shows_a_secret(faults: Faults, lines: tuple[str, ...]) -> None:
    said = " ".join(faults(*lines))

    assert said
    assert "Gh7jK9mN1pQ3" not in said
    assert [part for part in SECRET.split("-")[1:] if part in said] == []


@pytest.mark.parametrize("text", [b"\xff\xfeP\x00O\x00", b"HOST=\xe4"])
def test_a_file_that_is_no_text_is_refused(faults: Faults, text: bytes) -> None:
    faults()
    Path(".env").write_bytes(text)

    with pytest.raises(BadSettings, match=r"\.env cannot be read .* UTF-8"):
        read_settings()


def test_a_command_ends_with_code_two_and_a_line_for_each_fault(
    faults: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    given = faults("PORT=", PREFETCHH="1")

    with pytest.raises(typer.Exit) as end:
        load_settings()

    assert end.value.exit_code == 2
    assert capsys.readouterr().err.splitlines() == given


@given(st.text("ABC_", max_size=6), st.text("ABC_", max_size=6))
def test_the_distance_between_names_is_one_of_a_metric_s_kind(one: str, other: str) -> None:
    distance = letters_between(one, other)

    assert distance == letters_between(other, one)
    assert abs(len(one) - len(other)) <= distance <= max(len(one), len(other))
    assert (distance == 0) == (one == other)
    assert letters_between(one + "X", other + "X") == distance


def test_a_secret_file_that_this_user_may_not_read_is_named(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr("agent.environment.SECRETS", Path(folder))
        file = Path(folder, "api_key")
        file.touch(mode=0o000)
        monkeypatch.setattr("agent.environment.FILE", Path(folder, ".env"))
        before = os.geteuid()
        try:
            if before == 0:
                os.seteuid(65534)  # root may read any file
            with pytest.raises(BadSettings, match=rf"^{file} cannot be read by user {os.geteuid()}; .*chmod a\+r"):
                read_settings()
        finally:
            os.seteuid(before)
