"""`restock keys` and `restock audit`, on a database of their own."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.commands.cli import app

SECRET = re.compile(r"rsk_[A-Za-z0-9_-]{51}")
Restock = Callable[..., Result]


@pytest.fixture
def restock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Restock:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("API_KEY", raising=False)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/book.db")
    return lambda *arguments: CliRunner().invoke(app, arguments)


def created(result: Result) -> tuple[str, str]:
    """Id and secret of the key that was made."""
    assert result.exit_code == 0, result.output
    return result.output.split(" | ")[0], SECRET.findall(result.output)[0]


def test_a_key_is_made_shown_once_and_listed_without_its_secret(restock: Restock) -> None:
    options = ("--per-order", "5000EUR", "--per-day", "20000 EUR", "--until", "2099-01-01", "--may-approve-own")
    identity, secret = created(
        restock("keys", "create", "erp bridge", "--scope", "trigger", "--scope", "read", *options)
    )

    listed = restock("keys", "list").output

    assert not SECRET.search(listed)
    for part in (identity, "erp bridge", "read+trigger", "5,000.00 EUR an order, 20,000.00 EUR a day", secret[:10]):
        assert part in listed
    for part in ("ends 2099-01-01", "never used", "may approve its own"):
        assert part in listed


def test_a_rotation_shows_another_secret_and_until_when_the_old_one_opens(restock: Restock) -> None:
    identity, secret = created(restock("keys", "create", "robot", "--scope", "read"))

    again, second = created(restock("keys", "rotate", identity, "--overlap", "24h"))

    assert again == identity
    assert second != secret
    line = restock("keys", "list").output
    assert line.count("opens until") == 1
    assert secret[:10] in line
    assert second[:10] in line


def test_the_last_administrator_is_kept_unless_a_key_is_configured(
    restock: Restock, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity, _ = created(restock("keys", "create", "boss", "--scope", "admin"))

    refused = restock("keys", "revoke", identity)
    monkeypatch.setenv("API_KEY", "a key of the settings, 32 letters")
    done = restock("keys", "revoke", identity)

    assert (refused.exit_code, done.exit_code) == (1, 0)
    assert "last key with the scope admin" in refused.output
    assert "revoked" in done.output


def test_limits_are_replaced_and_taken_away(restock: Restock) -> None:
    identity, _ = created(restock("keys", "create", "robot", "--scope", "trigger", "--in-total", "9EUR"))

    limited = restock("keys", "limit", identity, "--per-day", "12.50USD").output
    free = restock("keys", "limit", identity, "--none").output

    assert "12.50 USD a day" in limited
    assert "EUR" not in limited
    assert "USD" not in free


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "x", "--scope", "root"), "There is no scope 'root'"),
        (("create", " ", "--scope", "read"), "needs a name"),
        (("create", "x", "--scope", "read", "--per-day", "5"), "'5' is no amount"),
        (("create", "x", "--scope", "read", "--per-day", "5EUR", "--per-day", "6EUR"), "two limits in EUR"),
        (("create", "x", "--scope", "read", "--until", "2020-01-01"), "2020-01-01 00:00 UTC is in the past"),
        (("rotate", "key_x", "--overlap", "24"), "'24' is no time"),
        (("rotate", "key_x", "--overlap", "9000h"), "'9000h' is no time"),
        (("limit", "key_x"), "Name at least one limit"),
        (("limit", "key_x", "--per-day", "5EUR", "--none"), "Name at least one limit"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(restock: Restock, arguments: tuple[str, ...], words: str) -> None:
    result = restock("keys", *arguments)

    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


def test_an_unknown_key_is_said_to_be_one(restock: Restock) -> None:
    for command in ("rotate", "revoke"):
        result = restock("keys", command, "key_nobody")
        assert result.exit_code == 1
        assert "No key 'key_nobody'" in result.output


def test_the_audit_trail_is_shown_as_json_lines(restock: Restock) -> None:
    identity, _ = created(restock("keys", "create", "robot", "--scope", "read"))
    restock("keys", "rotate", identity)

    lines = [json.loads(line) for line in restock("audit", "--actor", "command line").output.splitlines()]

    assert [line["event"] for line in lines] == ["key.rotated", "key.created"]
    assert not SECRET.search(str(lines))
