"""What people see who start the service in a terminal, and what machines get that start it anywhere else."""

import json
import re
import socket
from pathlib import Path

import httpx
import pytest

from tests.terminal import ROOT, Run

SECRET = "canary-password-51ae"


def test_a_terminal_shows_the_address_the_key_how_to_use_it_and_what_is_missing(in_terminal: Run) -> None:
    shown = in_terminal("serve")
    shown.read_until("to use a model.")
    address, key = (re.findall(words, shown.text)[0] for words in (r"Listening on (\S+)", r"only\): (rsk_\S+)"))
    answer = httpx.get(f"{address}/debug/STEEL_SHEETS", headers={"X-API-Key": key}, trust_env=False, timeout=60)
    shown.read_until("/debug/{product_id} 200")
    [link] = re.findall(r"Open the desk \(once, within ten minutes\): (\S+)", shown.text)
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as browser:
        signed_in = browser.post("/desk/sign-in", data={"link": link.partition("link=")[2]})
        desk = browser.get("/desk")

    assert (answer.status_code, signed_in.status_code, desk.status_code) == (200, 303, 200)
    assert link.startswith(f"{address}/desk/sign-in?link=")
    assert shown.stop() == 0
    assert f'Ask with your key: curl -H "X-API-Key: YOUR_KEY" {address}/debug/STEEL_SHEETS\n' in shown.text
    assert f"Try it in a browser: {address}/docs\n" in shown.text
    assert "No model key: built-in rules answer. Set GEMINI_API_KEY or GROQ_API_KEY in .env to use" in shown.text
    assert "Nothing bounds what automatic orders may cost in a day; set AUTO_DAY_VALUE_LIMIT.\n" in shown.text
    odd = [line for line in shown.text.splitlines() if line.startswith("{") or "\x1b" in line or "=" in line]
    assert [line for line in odd if link not in line] == []


def test_elsewhere_every_line_of_the_log_is_json(in_terminal: Run) -> None:
    shown = in_terminal("serve", terminal=False)
    shown.read_until("Listening on")

    assert shown.stop() == 0
    said = [line for line in shown.text.splitlines() if not line.startswith("{")]
    assert [line.split()[0] for line in said] == ["API"]
    logged = [json.loads(line)["event"] for line in shown.text.splitlines() if line.startswith("{")]
    assert len([event for event in logged if event.startswith("Listening on http://127.0.0.1:")]) == 1
    assert {"automatic_spending_unbounded", "model_left_out", "Application startup complete."} <= set(logged)


def test_plain_words_can_be_asked_for_where_no_terminal_is(in_terminal: Run) -> None:
    shown = in_terminal("serve", terminal=False, LOG_FORMAT="plain", GROQ_API_KEY="k", CHECK_MODELS="false")
    shown.read_until("Models: groq:openai/gpt-oss-120b.\n")

    assert shown.stop() == 0
    assert "{" not in shown.text
    assert "/desk/sign-in" not in shown.text  # it would be kept in a log


@pytest.mark.parametrize("terminal", [True, False])
def test_a_start_that_fails_says_why_in_one_sentence(in_terminal: Run, terminal: bool) -> None:
    shown = in_terminal("serve", terminal=terminal, DATABASE_URL=f"postgresql://u:{SECRET}@127.0.0.1:1/x")

    assert shown.read_to_the_end() == 2
    assert "PostgreSQL cannot be reached (Connection refused); start it, or correct DATABASE_URL." in shown.text
    assert [words for words in ("Traceback", str(ROOT), SECRET) if words in shown.text] == []
    assert len(shown.text.splitlines()) == 1


@pytest.mark.parametrize("command", [("serve",), ("serve", "--workers", "2"), ("worker",), ("migrate",)])
def test_a_file_that_is_no_database_ends_the_start(in_terminal: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "book.db").write_text("no database\n" * 500)
    shown = in_terminal(*command, terminal=False, DATABASE_URL="sqlite:///book.db")

    assert shown.read_to_the_end() == 2
    assert shown.text.startswith("book.db is damaged or no database; restore it from a copy, ")
    assert len(shown.text.splitlines()) == 1


def test_a_fault_that_only_the_application_finds_is_said_as_plainly(in_terminal: Run) -> None:
    shown = in_terminal("serve", terminal=False, PRIMARY_MODEL="cohere:command-a", FALLBACK_MODELS="")

    assert shown.read_to_the_end() == 2
    assert len(shown.text.splitlines()) == 1
    assert "pip install langchain-cohere" in shown.text


def test_a_port_that_is_taken_is_named(in_terminal: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        shown = in_terminal("serve", PORT=str(port))
        code = shown.read_to_the_end()

    assert code == 2
    assert f"Another program listens on 127.0.0.1:{port}; stop it, or set PORT to another port." in shown.text
    assert len(shown.text.splitlines()) == 1
