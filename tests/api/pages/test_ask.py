"""Questions at the desk: asked once, followed while they are answered, shown with what the answer is made of."""

import asyncio
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from agent.chat import MOST_OPEN, STOPPED
from agent.rules import QUESTIONS
from agent.state import ChatEvent
from api.bodies.chat import MAX_CHARACTERS
from tests.api.pages.conftest import sign_in
from tools.storage.caller_schema import turns

MARKUP = "<script>alert(1)</script>"


async def ask(browser: Any, message: str, conversation: str = "", once: str = "") -> str:
    """The address that asking leads to."""
    answer = await browser.send("/desk/ask", message=message, conversation=conversation, once=once)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


@pytest.fixture
async def service(start: Any) -> Any:
    """With time for a run, however busy the machine is."""
    return await start(run_deadline_seconds=60)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is on the page that follows, however long it takes."""
    monkeypatch.setattr("api.pages.ask.AT_ONCE_SECONDS", 60)


@pytest.fixture
def says(service: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets a model answer the next questions with these words, after this result of a tool."""

    def answer_with(words: str, result: dict[str, Any] | None = None) -> None:
        async def said(message: str, *_: Any) -> list[Any]:
            found = [ToolMessage(json.dumps(result), tool_call_id="1", name="find_orders")] if result else []
            return [HumanMessage(message), *found, AIMessage(words, response_metadata={"provider": "groq"})]

        monkeypatch.setattr(service.runtime._chat, "_said", said)

    return answer_with


@pytest.fixture
def held(service: Any, _patient: None, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Every answer waits for it, after having told of a first step."""
    free = asyncio.Event()
    monkeypatch.setattr("api.pages.ask.AT_ONCE_SECONDS", 0.02)

    async def said(message: str, before: Any, case: Any, tell: Any) -> list[Any]:
        tell(ChatEvent(kind="step", text="agent"))
        tell(ChatEvent(kind="remark", text="I guess 5."))
        tell(ChatEvent(kind="tool_call", tool="find_orders"))
        await free.wait()
        return [HumanMessage(message), AIMessage("None is late.\nNot one.")]

    monkeypatch.setattr(service.runtime._chat, "_said", said)
    return free


async def test_questions_that_need_no_model_are_buttons_and_others_fill_the_box(browser: Any) -> None:
    page = (await browser.get("/desk/ask")).text

    assert all(f'<button name="message" value="{question}">' in page for question in QUESTIONS)
    [example] = re.findall(r'href="(/desk/ask\?question=Restock[^"]+)"', page)
    filled = (await browser.client.get(example)).text
    assert re.search(r"<textarea[^>]*>Restock \w+</textarea>", filled)
    assert "There is none yet" in page


async def test_an_answer_is_on_the_page_that_follows_with_links_and_tables(browser: Any) -> None:
    address = await ask(browser, "Should I reorder STEEL_SHEETS, and why?")

    page = (await browser.get(address)).text

    assert "Should I reorder STEEL_SHEETS, and why?" in page
    assert '<a href="/desk/products/STEEL_SHEETS?location=Chicago">STEEL_SHEETS</a>' in page
    assert "answered without a model" in page
    assert "looked up: " in page
    assert re.search(r"<table>.*<th class=\"l\">product id</th>", page, re.DOTALL)
    assert "data-answering" not in page


async def test_orders_reviews_and_purchase_orders_lead_to_their_pages(browser: Any, says: Callable[..., None]) -> None:
    rows = [{"number": "PO-2026-000001", "purchase_order": "PD-2026-000001", "value": 5, "late": True}]
    says(
        "PO-2026-000001 of PD-2026-000001 was RV-000001, 5 USD. It is PO-2026-000009 not.",
        {"orders": rows, "a": "RV-000001, USD"},
    )

    page = (await browser.get(await ask(browser, "Which?"))).text

    for link in ("orders/PO-2026-000001", "purchase-orders/PD-2026-000001", "reviews/RV-000001"):
        assert f'<a href="/desk/{link}">{link.split("/")[1]}</a>' in page
    assert page.count('<a href="/desk/orders/PO-2026-000001">') == 2  # in the answer and in the table
    assert "worded by a model (groq)" in page
    assert re.search(r"<mark [^>]*>PO-2026-000009</mark> not", page)
    assert "orders/PO-2026-000009" not in page


async def test_words_of_people_models_and_tools_are_shown_as_text(browser: Any, says: Callable[..., None]) -> None:
    says(f"{MARKUP} **bold** [link](javascript:alert(1))", {"rows": [{"product_id": MARKUP, "name": MARKUP}]})

    page = (await browser.get(await ask(browser, f"Is {MARKUP} there?"))).text

    assert MARKUP not in page
    assert page.count("&lt;script&gt;") >= 4
    assert "**bold** [link](javascript:alert(1))" in page


async def test_a_form_sent_twice_asks_once_and_another_question_of_the_same_page_is_another(
    browser: Any, service: Any
) -> None:
    first = [await ask(browser, "What is late?", once="1") for _ in range(2)]
    other = await ask(browser, "What is on order?", once="1")

    assert len(set(first)) == 1
    assert other not in first
    assert await service.count("turns") == 2


async def test_a_conversation_goes_on_and_is_listed_paged_and_deleted(
    browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.pages.ask.TURNS", 2)
    monkeypatch.setattr("api.pages.ask.LISTED", 1)
    address = await ask(browser, "Should I reorder STEEL_SHEETS?")
    identity = address.rpartition("/")[2]
    for question in ("And how much of it do we have?", "Thanks."):
        await ask(browser, question, identity)
    other = await ask(browser, "What is late?")

    page = (await browser.get(address)).text
    earlier = (await browser.get(address, before=2)).text
    listed = (await browser.get("/desk/ask")).text
    older = (await browser.get("/desk/ask", before=other.rpartition("/")[2])).text

    assert "In stock: 150 sheets" in page
    assert f'href="{address}?before=2"' in page
    assert "And how much of it do we have?" not in earlier
    assert f'href="{other}"' in listed
    assert f'href="{address}"' not in listed
    assert f'href="{address}"' in older
    deleted = [await browser.send(f"{address}/delete") for _ in range(2)]
    assert {(each.status_code, each.headers["location"]) for each in deleted} == {(303, "/desk/ask")}
    assert (await browser.get(address)).status_code == 404


async def events(browser: Any, address: str, last: str = "") -> list[dict[str, str]]:
    """The events of a stream that has ended."""
    stream = await browser.client.get(f"{address}/events", headers={"Last-Event-ID": last})
    blocks = stream.text.strip().split("\n\n") if stream.text else []
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


async def test_a_question_that_takes_longer_is_followed_and_taken_up_where_a_browser_was_cut_off(
    browser: Any, held: asyncio.Event
) -> None:
    address = await ask(browser, "What is late?")
    page = (await browser.get(address)).text
    asyncio.get_running_loop().call_later(0.2, held.set)

    whole, rest = await asyncio.gather(events(browser, f"{address}/1"), events(browser, f"{address}/1", last="3"))
    done = (await browser.get(f"{address}/1")).text

    assert f'data-answering="{address}/1/events"' in page
    assert [(event["event"], json.loads(event["data"]).get("words")) for event in whole] == [
        ("step", "Thinks …"),
        ("step", "Looks up orders …"),
        ("text", "None is late.\n"),
        ("text", "Not one."),
        ("end", None),
    ]
    assert rest == whole[2:]
    assert "None is late.\nNot one." in done
    assert "data-answering" not in done


async def test_what_another_process_answers_is_waited_for(browser: Any, held: asyncio.Event, service: Any) -> None:
    address = await ask(browser, "What is late?")
    service.runtime._chat._open.clear()
    asyncio.get_running_loop().call_later(0.3, held.set)
    service.runtime._chat._ended = lambda *_: None

    assert "data-answering" in (await browser.get(address)).text
    assert await events(browser, f"{address}/1") == [{"event": "end", "data": "{}"}]
    assert "Not one." in (await browser.get(address)).text


async def test_a_question_whose_process_died_says_so_and_can_be_asked_again(
    browser: Any, held: asyncio.Event, service: Any
) -> None:
    address = await ask(browser, "What is late?")
    service.runtime._chat._open.clear()
    service.runtime._chat._ended = lambda *_: None
    old = sa.update(turns).values(
        asked_at=(await service.book.conversations.turn(address.rpartition("/")[2], 1)).asked_at - timedelta(minutes=5)
    )
    with service.book.database.engine.begin() as connection:
        connection.execute(old)

    page = (await browser.get(address)).text

    assert "No answer came: the service ended before." in page
    assert '<button name="message" value="What is late?">Ask again</button>' in page
    assert await events(browser, f"{address}/1") == [{"event": "end", "data": "{}"}]
    held.set()


async def test_a_question_that_a_stop_cuts_off_says_so(browser: Any, held: asyncio.Event, service: Any) -> None:
    address = await ask(browser, "What is late?")
    service.runtime.begin_shutdown()
    assert await events(browser, f"{address}/1") == []
    await service.runtime.background.end(patience_seconds=5)

    assert STOPPED in (await browser.get(address)).text


async def test_what_cannot_be_asked_is_said_and_stays_typed(browser: Any, held: asyncio.Event) -> None:
    long, empty = "x" * (MAX_CHARACTERS + 1), "  "
    for message, words in ((long, f"{MAX_CHARACTERS} are allowed"), (empty, "There is no question")):
        refused = await browser.send("/desk/ask", message=message)
        assert (refused.status_code, words in refused.text) == (422, True)
        assert f">{message}</textarea>" in refused.text
    for number in range(MOST_OPEN):
        await ask(browser, f"What is late? {number}")
    refused = await browser.send("/desk/ask", message="And now?")
    assert (refused.status_code, "5 questions of yours" in refused.text) == (409, True)
    held.set()


async def test_nobody_sees_follows_or_deletes_another_key_s_conversation(browser: Any, service: Any) -> None:
    address = await ask(browser, "What is late?")
    made = await service.client.post("/keys", json={"name": "Ben", "scopes": ["read", "trigger"]})
    ben = await sign_in(service, made.json()["key"])

    for path in (address, f"{address}/1", f"{address}/1/events", f"{address}/9"):
        assert (await ben.get(path)).status_code == 404
    assert (await ben.send(f"{address}/delete")).status_code == 404
    assert (await ben.send("/desk/ask", message="And?", conversation=address.rpartition("/")[2])).status_code == 404
    assert "What is late?" not in (await ben.get("/desk/ask")).text.partition("Your conversations")[2]
    assert (await browser.get(f"{address}/9")).status_code == 404
    assert await service.count("turns") == 1
    await ben.client.aclose()


async def test_a_key_that_may_not_ask_has_no_such_page(reader: Any) -> None:
    assert 'href="/desk/ask"' not in (await reader.get("/desk")).text
    assert (await reader.get("/desk/ask")).status_code == 403


async def test_a_run_that_was_asked_for_leads_to_its_review(browser: Any) -> None:
    page = (await browser.get(await ask(browser, "Please restock STEEL_SHEETS."))).text

    assert re.search(r'Run on STEEL_SHEETS: waits for a person, <a href="/desk/reviews/RV-\d+">', page)
