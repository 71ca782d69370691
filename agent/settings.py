"""All settings, read once from the environment or `.env`. Frozen, and built in one place."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from agent.setting_text import is_free, value_of
from tools.records.events import Listener, Receiver, Recipient
from tools.records.money import Amount, Currency, DayLimit

WAIT_BEYOND_DEADLINE_SECONDS = 5.5
"""How long a caller waits for a place. Whoever has one then still has the deadline's time."""
LONGEST_WAIT_SECONDS = 50.0
"""Proxies give up after 60 s."""
_KEY_CHARACTERS = 32


def _rate(text: str) -> str:
    if not re.fullmatch(r"off|[1-9]\d*/(second|minute|hour|day)", text):
        raise ValueError("should be a number in a time, as 100/minute, or off")
    return text


def _model(name: str) -> str:
    if not re.fullmatch(r"\w+:.*[^/:\s]", name):
        raise ValueError("should name provider:model, as groq:openai/gpt-oss-120b")
    return name


Rate = Annotated[str, AfterValidator(_rate)]
Model = Annotated[str, AfterValidator(_model)]
DOLLARS = {"EUR": Decimal("1.3"), "GBP": Decimal("1.5"), "CHF": Decimal("1.4")}
"""High on purpose: they only check limits, and a rate too high asks a person once too often."""

GROUPS = {
    "api_key": "For the first run",
    "primary_model": "Models",
    "confidence_threshold": "Orders and limits",
    "checkpoint_path": "Database",
    "public_url": "Operations",
}
"""Settings stand in groups: each group's first setting, and its heading."""


class _WithoutBlanks(PydanticBaseSettingsSource):
    """A source of settings without blank texts, so that the next source may give them."""

    def __init__(self, settings_cls: type[BaseSettings], source: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._source = source

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        free = {name for name, field in self.settings_cls.model_fields.items() if is_free(field)}
        return {name: value for name, value in self._source().items() if name not in free or str(value).strip()}


class Settings(BaseSettings):
    """Names are the environment variables' names in lower case. `.env.example` lists them with a line each."""

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        frozen=True,
        enable_decoding=False,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    api_key: SecretStr | None = None
    """A key with every scope. Without it one is generated at first start, printed once and stored as a hash."""
    gemini_api_key: SecretStr | None = None
    """Key for Gemini; without it Gemini is left out of the chain."""
    groq_api_key: SecretStr | None = None
    """Key for Groq; without it Groq is left out of the chain."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for every interface."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port to listen on; 0 takes a free one."""
    database_url: str = "sqlite:///data/restock.db"
    """The order book: sqlite:///path, or postgresql://user@host/name, which also holds LangGraph's checkpoints."""

    primary_model: Model = "google_genai:gemini-3.5-flash-lite"
    """The model asked first, as `provider:model`."""
    fallback_models: tuple[Model, ...] = ("groq:openai/gpt-oss-120b",)
    """Tried in this order after the primary; `provider:model`, separated by commas."""
    model_base_urls: dict[str, str] = {}
    """Other hosts by provider, as JSON: {"ollama": "http://127.0.0.1:11434"}. google_genai and groq take no path."""
    model_timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 2.0
    """Deadline of one model call."""
    check_models: bool = True
    """Ask every model one short question at the start, so that a bad key or a retired model shows at once."""
    rules_model: bool = True
    """Answer by rules when no provider can. If off, such runs go to review with the calculator's plan."""
    prefetch: bool = False
    """The graph looks up and calculates the product itself, so that one model call is enough."""
    model_prices: dict[str, tuple[Decimal, Decimal]] = {}
    """Dollars for a million tokens in and out, as JSON by provider:model; the default models have theirs."""
    run_cost_limit: Annotated[Decimal, Field(gt=0)] | None = Decimal("0.25")
    """Most dollars for one run or chat answer. A model without a price is asked only if both cost limits are `off`."""
    day_cost_limit: Annotated[Decimal, Field(gt=0)] | None = Decimal(20)
    """Most dollars in a day (UTC), of all processes together; beyond, runs go to review with the calculator's plan."""

    confidence_threshold: Annotated[float, Field(ge=0, le=1)] = 0.6
    """An order is placed automatically from this confidence on."""
    calibration_table: Path | None = None
    """A calibration table that `restock calibrate` fitted on your own data; without it the shipped one."""
    auto_order_value_limit: Amount | None = Decimal(500_000)
    """Orders worth more than this, in LIMIT_CURRENCY, always go to review."""
    auto_day_value_limit: Amount | None = None
    """Most that automatic orders may cost together in a day (UTC), in LIMIT_CURRENCY; beyond, they go to review."""
    limit_currency: Currency = "USD"
    """The currency of both limits."""
    exchange_rates: Annotated[dict[Currency, Annotated[Decimal, Field(gt=0)]], Field(validate_default=True)] = DOLLARS
    """Worth of a unit of other currencies in LIMIT_CURRENCY, at most, as JSON; orders in any other go to review."""
    run_deadline_seconds: Annotated[float, Field(gt=0, le=600)] = 4.5
    """Deadline of a whole decision; without a valid order by then it goes to review. A caller waits 5.5 s longer."""
    review_expiry_hours: Annotated[float, Field(gt=0)] = 72
    """How long an order waits for a person before it expires."""

    sweep_at: Annotated[str, Field(pattern=r"^(off|([01]\d|2[0-3]):[0-5]\d)$")] = "off"
    """When your whole catalogue is decided every day, as HH:MM in its time zone. A missed time is made up for."""
    sweep_models: Literal["none", "doubtful", "all"] = "doubtful"
    """Which products of a sweep a model is asked about: `doubtful` ones have notes, a warning that blocks, or a
    confidence below the threshold. The built-in rules decide the others; without RULES_MODEL it is always `all`."""

    checkpoint_path: Path = Path("data/checkpoints.db")
    """LangGraph's checkpoints if the order book is on SQLite."""
    migrate_at_start: bool = True
    """Bring the database to the present schema at each start; off if `restock migrate` does so."""
    keep_chats_days: Annotated[float, Field(ge=0)] = 30
    """How long a conversation is kept after its last message; 0 for ever."""
    keep_requests_days: Annotated[float, Field(ge=0)] = 90
    """How long requests of finished runs and records of imports are kept; 0 for ever. Orders, decisions, the audit
    trail and what can be undone always stay."""

    public_url: str | None = None
    """Address of the service in review links. Default: http://HOST:PORT."""
    trusted_proxies: tuple[str, ...] = ("127.0.0.1",)
    """Proxies whose X-Forwarded-For is believed: addresses or networks, separated by commas."""
    work_runs: bool = True
    """Carry out runs in the server; off if `restock worker` does so."""
    max_runs_in_flight: Annotated[int, Field(ge=2, le=1_000)] = 64
    """Runs that a process carries out at once; a quarter of the places is for runs that nobody waits for. Sixteen times
    as many of those may wait, and as many callers as get a place within 5.5 s; beyond, the answer is 503."""
    max_concurrent_requests: Annotated[int, Field(ge=1)] = 512
    """Requests at once; more are answered 503 with Retry-After, except health, metrics and `/`."""
    rate_limit_per_key: Rate = "30000/minute"
    """Requests of one key, as `number/second|minute|hour|day`, or `off`; more are answered 429."""
    rate_limit_failed_keys: Rate = "100/minute"
    """Invalid keys from one client address; more block the address for that time. `off` for no limit."""
    rate_limit_storage: SecretStr | None = None
    """URL of a Redis in which several processes count together (redis://:password@host:6379/0). Default: memory."""
    webhooks: tuple[Receiver, ...] = ()
    """Receivers of events, as JSON (docs/webhooks.md): [{"url": "https://erp.example/hook", "secret": "whsec_…"}]"""
    notify_urls: tuple[SecretStr, ...] = ()
    """Where people are told of reviews, late orders and failures: addresses of Apprise, as
    mailto://user:password@example.com, separated by commas. They need the extra `notify` (docs/webhooks.md)."""
    public_pages: tuple[Literal["docs", "metrics"], ...] = ("docs",)
    """Pages that need no key: `docs` (/docs and /openapi.json, which are off otherwise) and `metrics`."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe events to log."""
    log_format: Literal["auto", "json", "plain"] = "auto"
    """JSON lines, or plain words; auto: plain in a terminal, JSON elsewhere."""

    @property
    def on_postgresql(self) -> bool:
        return self.database_url.startswith("postgres")

    @property
    def wait_seconds(self) -> float:
        """How long a caller waits for a run before the answer is 202 and the run's address."""
        return min(self.run_deadline_seconds + WAIT_BEYOND_DEADLINE_SECONDS, LONGEST_WAIT_SECONDS)

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Whoever events are sent to: receivers, and people."""
        people = {each.identity: each for each in (Recipient(url=url) for url in self.notify_urls)}
        return (*self.webhooks, *people.values())

    @property
    def worth(self) -> dict[str, float]:
        """What a unit of each currency is worth in LIMIT_CURRENCY, where that is known."""
        return {self.limit_currency: 1.0} | {name: float(rate) for name, rate in self.exchange_rates.items()}

    @property
    def day_limit(self) -> DayLimit | None:
        if self.auto_day_value_limit is None:
            return None
        return DayLimit(
            amount=self.auto_day_value_limit, currency=self.limit_currency, exchange_rates=self.exchange_rates
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        written = (_WithoutBlanks(settings_cls, source) for source in (env_settings, dotenv_settings))
        return (init_settings, *written, file_secret_settings)

    @field_validator("webhooks")
    @classmethod
    def _told_apart(cls, value: tuple[Receiver, ...]) -> tuple[Receiver, ...]:
        if len({receiver.identity for receiver in value}) < len(value):
            raise ValueError("each receiver needs a name, or an address, of its own")
        return value

    @field_validator("api_key")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value and len(value) < _KEY_CHARACTERS:
            raise ValueError(f"has fewer than {_KEY_CHARACTERS} characters; make one with: openssl rand -hex 24")
        return value

    @field_validator("rate_limit_storage")
    @classmethod
    def _is_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(("redis://", "rediss://")):
            raise ValueError("should be redis://host:6379/0, with rediss for TLS")
        return value

    @field_validator("exchange_rates", mode="before")
    @classmethod
    def _belong_to_the_currency(cls, value: object, info: ValidationInfo) -> object:
        return {} if value == DOLLARS and info.data.get("limit_currency") != "USD" else value

    @field_validator("*", mode="before")
    @classmethod
    def _as_the_text_says(cls, value: object, info: ValidationInfo) -> object:
        annotation = cls.model_fields[str(info.field_name)].annotation
        return value_of(value, annotation) if isinstance(value, str) else value
