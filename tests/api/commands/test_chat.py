"""Questions in a terminal."""

import json
import os
import time
from pathlib import Path

import pytest

from tests.terminal import Run, Terminal

UP = "\x1b[A"


def type_in(shown: Terminal, line: str, *, until: str) -> None:
    shown.text = ""
    os.write(shown._ours, f"{line}\n".encode())
    shown.read_until(until)
    shown.read_until("> ")


def test_a_conversation_in_a_terminal_with_the_lines_of_earlier_ones(in_terminal: Run, tmp_path: Path) -> None:
    first = in_terminal("chat")
    first.read_until("> ")
    type_in(first, "How much STEEL_SHEETS do we have?", until="In stock: 150 sheets")
    assert "get_product(product_id='STEEL_SHEETS', location='Chicago')" in first.text
    type_in(first, "Should I reorder it?", until="1,200")
    os.write(first._ours, b"\x04")
    assert first.read_to_the_end() == 0

    second = in_terminal("chat", "--continue")
    second.read_until("> ")
    type_in(second, UP, until="1,200")
    assert "Should I reorder it?" in second.text
    type_in(second, "/new", until="> ")
    time.sleep(0.5)  # readline shows its prompt a moment before it listens for Ctrl-C
    second.process.send_signal(2)
    assert second.read_to_the_end() == 0
    history = tmp_path / "data" / "chat_history"
    assert history.read_text().count("Should I reorder it?") >= 1
    assert history.stat().st_mode & 0o777 == 0o600


def test_one_question_is_answered_as_text_or_json_and_lines_may_be_piped_in(
    in_terminal: Run,
    tmp_path: Path,
) -> None:
    shown = in_terminal("chat", "Please restock STEEL_SHEETS.", terminal=False)
    assert shown.read_to_the_end() == 0
    assert "is pending_review: http" in shown.text

    shown = in_terminal("chat", "What is late?", "--json", terminal=False)
    assert shown.read_to_the_end() == 0
    answer = json.loads(shown.text.splitlines()[-1])
    assert (answer["llm_provider"], answer["runs"]) == ("rules", [])


@pytest.mark.parametrize("command", ["chat", "mcp"])
def test_a_database_that_cannot_be_used_is_said_in_a_sentence(in_terminal: Run, command: str) -> None:
    shown = in_terminal(command, terminal=False, DATABASE_URL="postgresql://u:p@127.0.0.1:1/x")

    assert shown.read_to_the_end() == 1
    assert "PostgreSQL cannot be reached (Connection refused)" in shown.text
    assert "Traceback" not in shown.text
