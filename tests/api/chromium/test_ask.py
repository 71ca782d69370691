"""A planner asks: by keyboard, on a phone, without scripts, and while the line is cut."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.api.chromium.conftest import KEY, Desk

Open = Callable[..., Desk]
PHONE = {"width": 390, "height": 844}
SCRIPTED = """
import asyncio
from langchain_core.messages import AIMessage, HumanMessage
from agent.chat import Chat
from agent.state import ChatEvent
said = Chat._said
async def scripted(self, message, before, case, tell):
    if "slow" in message:
        tell(ChatEvent(kind="tool_call", tool="find_orders"))
        await asyncio.sleep(3)
    if "model" in message:
        words = "Order PO-2026-000099 <b>now</b>, 31,000 of it."
        return [HumanMessage(message), AIMessage(words, response_metadata={"provider": "groq"})]
    return await said(self, message, before, case, tell)
Chat._said = scripted
"""
"""A slow answer, and one of a model that says what no lookup shows."""


@pytest.fixture(scope="module")
def url(start_process: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    settings = {"API_KEY": KEY, "LOG_LEVEL": "warning", "RUN_DEADLINE_SECONDS": "30"}
    address: str = start_process(tmp_path_factory.mktemp("ask"), settings, first=SCRIPTED).url
    return address


def asked(url: str, question: str) -> int:
    """How often a question stands in the conversations of the key."""
    with httpx.Client(base_url=url, headers={"X-API-Key": KEY}, trust_env=False, timeout=30) as client:
        listed = client.get("/conversations", params={"limit": 200}).json()["conversations"]
        shown = [client.get(f"/conversations/{each['conversation_id']}").json()["messages"] for each in listed]
    return sum(turn["question"] == question for turns in shown for turn in turns)


def test_a_question_is_asked_and_answered_by_keyboard_alone(url: str, open_desk: Open) -> None:
    desk = open_desk(url)
    desk.go("/desk/ask")
    desk.page.keyboard.type("Should I reorder STEEL_SHEETS,")
    desk.page.keyboard.press("Shift+Enter")
    desk.page.keyboard.type("and why?")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url("**/desk/ask/*")
    desk.page.wait_for_selector(".answer a:has-text('STEEL_SHEETS')")

    assert asked(url, "Should I reorder STEEL_SHEETS,\r\nand why?") == 1
    assert desk.page.evaluate("document.activeElement.name") == "message"
    assert "1,200" in desk.text()
    desk.page.locator(".answer a:has-text('STEEL_SHEETS')").first.click()
    desk.page.wait_for_url("**/desk/products/STEEL_SHEETS**")


def test_an_answer_comes_while_one_waits_and_a_double_click_asks_once(url: str, open_desk: Open) -> None:
    desk = open_desk(url)
    desk.go("/desk/ask")
    desk.page.fill("textarea", "What is late, slow 1?")
    desk.page.dblclick("button.main")
    desk.page.wait_for_selector("text=Looks up orders")
    before = desk.page.evaluate("performance.timeOrigin")
    desk.page.wait_for_selector("article:not([data-answering]) .words")

    assert desk.page.evaluate("performance.timeOrigin") == before  # the page was not loaded anew
    assert asked(url, "What is late, slow 1?") == 1
    assert desk.violations() == []


@pytest.mark.parametrize("how", ["reload", "cut"])
def test_a_question_is_taken_up_again_after_a_reload_and_after_a_cut_line(url: str, open_desk: Open, how: str) -> None:
    desk = open_desk(url)
    desk.go("/desk/ask")
    desk.page.fill("textarea", f"What is late, slow {how}?")
    desk.page.click("button.main")
    desk.page.wait_for_selector("text=Looks up orders")
    if how == "reload":
        desk.page.reload()
    else:
        desk.context.set_offline(True)
        desk.page.wait_for_timeout(300)
        desk.context.set_offline(False)
    desk.page.wait_for_selector("article:not([data-answering]) .words")

    assert asked(url, f"What is late, slow {how}?") == 1
    assert desk.page.locator("article").count() == 1
    desk.faults.clear()  # the cut is told on the console


def test_what_no_lookup_shows_is_marked_and_words_are_no_markup(url: str, open_desk: Open) -> None:
    desk = open_desk(url)
    desk.go("/desk/ask")
    desk.page.fill("textarea", "Ask the model <img src=x onerror=alert(1)>")
    desk.page.click("button.main")
    desk.page.wait_for_selector("mark")

    assert desk.page.locator("mark").all_inner_texts()[:2] == ["PO-2026-000099", "31,000"]
    assert "<b>now</b>" in desk.text()
    assert "<img src=x onerror=alert(1)>" in desk.text()
    for scheme in ("light", "dark"):
        desk.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a literal in playwright's types
        assert desk.violations() == []


def test_without_scripts_questions_are_asked_and_answers_come_by_reloading(url: str, open_desk: Open) -> None:
    desk = open_desk(url, java_script_enabled=False)
    desk.go("/desk/ask")
    desk.page.click("button:has-text('What should I order today?')")
    desk.page.wait_for_url("**/desk/ask/*")
    assert desk.page.locator("article .words").count() == 1
    desk.page.fill("textarea", "What is late, slow by hand?")
    desk.page.click("button.main")
    desk.page.wait_for_selector("text=Is being answered")
    for _ in range(40):
        desk.page.wait_for_timeout(500)
        if not desk.page.locator("text=Is being answered").count():
            break
        desk.page.click("text=See whether it is answered")

    assert "Is being answered" not in desk.text()
    assert asked(url, "What is late, slow by hand?") == 1
    desk.page.click("text=Delete this conversation")
    desk.page.click("button:has-text('Delete it')")
    desk.page.wait_for_url("**/desk/ask")
    assert asked(url, "What is late, slow by hand?") == 0


def test_a_conversation_with_tables_fits_a_phone_and_is_accessible(url: str, open_desk: Open) -> None:
    desk = open_desk(url, viewport=PHONE)
    desk.go("/desk/ask?question=Which%20orders%20are%20late%3F")
    assert desk.page.input_value("textarea") == "Which orders are late?"
    desk.page.click("button.main")
    desk.page.wait_for_selector(".answer table")
    found = desk.violations()
    desk.page.emulate_media(color_scheme="dark")

    assert found + desk.violations() == []
    assert not desk.reaches_beyond()
