"""Whatever keeps the service from starting is said in a sentence, with what to do."""

import asyncio
import shutil
import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.runtime import open_runtime
from agent.settings import Settings
from api.door.plain_lines import is_for_people
from api.door.start_faults import cannot_listen, sentence
from api.webhooks.deliverer import http_client
from tools.storage.migrations.upgrade import migrate

SECRET = "canary-password-51ae"


@pytest.fixture
def bad_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.db").write_text("this is no database\n" * 500)
    Path("folder").mkdir()
    asyncio.run(migrate("sqlite:///older.db"))
    shutil.copy("older.db", "newer.db")
    change("older.db", "ALTER TABLE decisions DROP COLUMN decided_by_id")
    change("newer.db", "UPDATE alembic_version SET version_num = '9999'")


def change(file: str, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"database_url": f"postgresql://u:{SECRET}@127.0.0.1:1/x"},
            "PostgreSQL cannot be reached (Connection refused); start it, or correct DATABASE_URL.",
        ),
        (
            {"database_url": "sqlite:///broken.db"},
            "broken.db is damaged or no database; restore it from a copy, "
            "or name another in DATABASE_URL or CHECKPOINT_PATH.",
        ),
        (
            {"checkpoint_path": Path("broken.db")},
            "broken.db is damaged or no database; restore it from a copy, "
            "or name another in DATABASE_URL or CHECKPOINT_PATH.",
        ),
        (
            {"database_url": "sqlite:///folder"},
            "folder cannot be used (unable to open database file); "
            "make it and its folder writable, or name another file.",
        ),
        (
            {"checkpoint_path": Path("folder")},
            "folder cannot be used (unable to open database file); "
            "make it and its folder writable, or name another file.",
        ),
        (
            {"database_url": "sqlite:///newer.db"},
            "The database was made by a newer version of the service; start that one, or restore an older copy.",
        ),
        *(
            ({"database_url": "sqlite:///older.db", "migrate_at_start": migrates}, "no column decisions.decided_by_id;")
            for migrates in (True, False)
        ),
        (
            {"database_url": "sqlite:////proc/x/y.db"},
            "/proc/x cannot be opened (No such file or directory); make it accessible, or name another.",
        ),
        ({"database_url": "sqlite:///new.db", "migrate_at_start": False}, "run `restock migrate` first."),
        ({"database_url": f"mysql://u:{SECRET}@h/x"}, "DATABASE_URL names 'mysql'; use sqlite"),
        ({"database_url": SECRET}, "DATABASE_URL is not a URL; use sqlite"),
        ({"calibration_table": Path("none.json")}, "none.json"),
        ({"primary_model": "cohere:command-a"}, "pip install langchain-cohere"),
    ],
)
async def test_each_known_fault_has_its_sentence(
    settings: Settings, bad_files: None, changes: dict[str, Any], words: str
) -> None:
    changed = settings.model_copy(update=changes)

    with pytest.raises(Exception) as caught:
        async with open_runtime(changed):
            pass
    said = sentence(caught.value, changed)

    assert said
    assert words in said
    assert said.endswith((".", "`"))
    assert SECRET not in said


@pytest.mark.parametrize("authorities", ["broken.db", "none.pem"])
def test_authorities_that_are_none_are_named_by_their_variable(
    settings: Settings, bad_files: None, monkeypatch: pytest.MonkeyPatch, authorities: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authorities)

    with pytest.raises(OSError) as caught:
        http_client()

    assert str(sentence(caught.value, settings)).startswith("SSL_CERT_FILE or SSL_CERT_DIR names no certificates;")


def test_a_fault_that_nobody_expects_has_none(settings: Settings) -> None:
    assert sentence(KeyError("x"), settings) is None


@pytest.mark.parametrize(
    ("host", "words"),
    [("127.0.0.1", "Another program listens on 127.0.0.1:"), ("192.0.2.1", "is no address of this machine")],
)
def test_a_place_to_listen_on_that_is_not_to_be_had_is_named(settings: Settings, host: str, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        changed = settings.model_copy(update={"host": host, "port": taken.getsockname()[1]})
        with socket.socket() as another, pytest.raises(OSError) as caught:
            another.bind((changed.host, changed.port))

    assert words in cannot_listen(caught.value, changed)


@pytest.mark.parametrize(
    ("log_format", "terminal", "plain"),
    [("auto", True, True), ("auto", False, False), ("json", True, False), ("plain", False, True)],
)
def test_people_get_plain_words_where_a_terminal_is_or_as_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log_format: str, terminal: bool, plain: bool
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)

    assert is_for_people(log_format, sys.stdout) is plain
