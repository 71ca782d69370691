"""All secrets that must stay out of logs and answers."""

import os
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, quote, unquote, urlsplit

from pydantic import SecretStr

from agent.setting_text import text_of
from agent.settings import Settings
from tools.records.events import Receiver, Recipient

SET = "set"
"""What is shown of a secret."""
_LISTENERS = {"webhooks": Receiver, "notify_urls": Recipient}
_NAMED_AS_SECRET = re.compile(r"(^|_)(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)(_\d+)?$", re.IGNORECASE)


def secrets_in_force(settings: Settings) -> list[str]:
    """Secret settings, the passwords of database and Redis, the addresses and secrets of receivers, and what the
    environment calls a key, token, secret or password, since clients of other providers read their own variables."""
    given = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    storage = settings.rate_limit_storage
    urls = (settings.database_url, storage.get_secret_value() if storage else "")
    passwords = [form for url in urls for form in _passwords(url)]
    hooks = [text for receiver in settings.webhooks for text in (str(receiver.url), *receiver.signing)]
    people = [url.get_secret_value() for url in settings.notify_urls]
    return [secret for secret in dict.fromkeys((*given, *passwords, *hooks, *people, *_of_the_environment())) if secret]


def shown(settings: Settings, name: str) -> str:
    """A setting as people may see it. Of a secret only whether it is set, of an address neither password nor query."""
    value, field = getattr(settings, name), Settings.model_fields[name]
    if isinstance(value, SecretStr):
        return SET
    if name in ("webhooks", "notify_urls"):
        return ", ".join(each.identity for each in settings.listeners if isinstance(each, _LISTENERS[name]))
    if name == "database_url":
        return _without_secrets(value)
    if name == "model_base_urls":
        value = {provider: _without_secrets(url) for provider, url in value.items()}
    text = text_of(value, field)
    return SET if any(secret in text for secret in secrets_in_force(settings)) else text


def _without_secrets(url: str) -> str:
    """The address without whom it names and without its query. A password may hold any character, so all before the
    last @ goes.

    >>> _without_secrets("postgresql://stock:p/a?s@s@db.example:5432/restock?password=x")
    'postgresql://db.example:5432/restock'
    """
    return re.sub("://.*@", "://", url, flags=re.DOTALL).partition("?")[0].partition("#")[0]


def _of_the_environment() -> Iterator[str]:
    """Variables of others that look secret. Of our own settings the type says it: RATE_LIMIT_PER_KEY is none."""
    for name, value in os.environ.items():
        if _NAMED_AS_SECRET.search(name) and name.lower() not in Settings.model_fields:
            yield value


def _passwords(url: str) -> list[str]:
    """The password of a URL, as written there and decoded."""
    parts = urlsplit(url)
    given = [parts.password or "", *parse_qs(parts.query).get("password", ())]
    return [form for password in given for form in (password, unquote(password), quote(password, safe=""))]
