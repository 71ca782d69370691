"""Whose conversations are, and how much of them is kept."""

from typing import Any

import pytest

from tools.book import conversations as bounds
from tools.book.book import OrderBook
from tools.book.conversations import MOST_MESSAGE_BYTES, WHOLE_TURNS, NewAnswer
from tools.records.errors import UnknownConversation


async def add(
    book: OrderBook,
    name: str,
    question: str = "What is on order?",
    answer: str = "Nothing.",
    owner: str = "anna",
    **more: Any,
) -> None:
    """A question and its answer."""
    number = await book.conversations.ask(name, owner, question)
    await book.conversations.answer(name, number, given(answer, question, **more))


def given(answer: str = "Nothing.", question: str = "What is on order?", **more: Any) -> NewAnswer:
    messages = ({"type": "human", "data": {"content": question}},)
    return NewAnswer(**{"answer": answer, "provider": "rules", "messages": messages, **more})


async def test_a_conversation_belongs_to_whoever_began_it(book: OrderBook) -> None:
    await book.conversations.begin("c", "anna")
    await add(book, "c")

    assert (await book.conversations.get("c", "anna")).turns == 1
    for work in (book.conversations.get, book.conversations.delete):
        for conversation in ("c", "unknown"):
            with pytest.raises(UnknownConversation, match="GET /conversations lists them"):
                await work(conversation, "ben")
    assert await book.conversations.page("ben") == []


async def test_turns_are_numbered_and_paged_and_the_first_question_is_the_title(book: OrderBook) -> None:
    await book.conversations.begin("c", "anna")
    for number in range(1, 6):
        await add(book, "c", f"Question {number}?\n" + "x" * 100)

    newest = await book.conversations.turns("c", 2)
    before = await book.conversations.turns("c", 2, newest[0].number)

    assert [each.number for each in before + newest] == [2, 3, 4, 5]
    found = await book.conversations.get("c", "anna")
    assert (found.turns, found.title[:13], len(found.title)) == (5, "Question 1? x", 80)


async def test_only_the_newest_turns_keep_what_a_model_is_told(book: OrderBook) -> None:
    await book.conversations.begin("c", "anna")
    for _ in range(WHOLE_TURNS + 2):
        await add(book, "c")

    kept = [each.messages is not None for each in await book.conversations.turns("c")]

    assert kept == [False] * 2 + [True] * WHOLE_TURNS


async def test_a_turn_with_very_long_messages_keeps_question_and_answer(book: OrderBook) -> None:
    await book.conversations.begin("c", "anna")
    await add(book, "c", messages=({"content": "x" * MOST_MESSAGE_BYTES},))

    (kept,) = await book.conversations.turns("c")

    assert (kept.question, kept.messages) == ("What is on order?", None)


async def test_a_nul_in_a_question_is_left_out(book: OrderBook) -> None:
    await book.conversations.begin("c", "anna")
    await add(book, "c", "What\0 is late?")

    assert (await book.conversations.turns("c"))[0].question == "What is late?"


async def test_the_oldest_turns_of_a_long_conversation_go(book: OrderBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_TURNS", 3)
    await book.conversations.begin("c", "anna")
    for _ in range(5):
        await add(book, "c")

    assert [each.number for each in await book.conversations.turns("c")] == [3, 4, 5]
    assert (await book.conversations.get("c", "anna")).turns == 3


@pytest.mark.parametrize("bound", [("MOST_TURNS_OF_KEY", 4), ("MOST_BYTES_OF_KEY", 500)])
async def test_a_key_over_its_bounds_loses_what_it_has_not_used_for_longest(
    book: OrderBook, monkeypatch: pytest.MonkeyPatch, bound: tuple[str, int]
) -> None:
    monkeypatch.setattr(bounds, *bound)
    for name, owner in (("other", "ben"), ("a", "anna"), ("b", "anna"), ("c", "anna")):
        await book.conversations.begin(name, owner)

    for name in ("other", "a", "b", "c", "a", "b"):
        await add(book, name, "Why? " * 20, owner="ben" if name == "other" else "anna", messages=None)

    assert [each.id for each in await book.conversations.page("anna")] == ["b", "a"]
    assert [each.id for each in await book.conversations.page("ben")] == ["other"]


async def test_a_single_conversation_over_the_bounds_stays(book: OrderBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_BYTES_OF_KEY", 10)
    await book.conversations.begin("c", "anna")
    await add(book, "c")

    assert len(await book.conversations.turns("c")) == 1


async def test_the_size_that_is_counted_is_the_size_that_is_kept(book: OrderBook) -> None:
    await book.conversations.begin("c", "anna")
    for _ in range(WHOLE_TURNS + 3):
        await add(book, "c", "Größe?")

    def sizes(connection: Any) -> tuple[int, int]:
        total = connection.exec_driver_sql("SELECT size FROM conversations").scalar()
        return total, connection.exec_driver_sql("SELECT sum(size) FROM turns").scalar()

    counted, kept = await book.database.read(sizes)
    assert counted == kept > 0


async def test_conversations_are_listed_by_their_last_use(book: OrderBook) -> None:
    for name in ("a", "b", "c"):
        await book.conversations.begin(name, "anna")
        await add(book, name)
    await add(book, "a")
    await book.conversations.begin("not answered yet", "anna")

    first = await book.conversations.page("anna", 2)
    second = await book.conversations.page("anna", 2, first[-1].id)

    assert [each.id for each in first + second] == ["a", "c", "b"]


async def test_a_conversation_is_found_by_how_it_began(book: OrderBook) -> None:
    for name, answer in (("a", "Yes,\n150."), ("b", "No.")):
        await book.conversations.begin(name, "anna")
        await add(book, name, "Is there steel?", answer)
        await add(book, name, "And wire?", "Nothing.")

    assert await book.conversations.opened_by("anna", " Is there  steel?", "Yes, 150. ") == "a"
    assert await book.conversations.opened_by("anna", "And wire?", "Nothing.") is None
    assert await book.conversations.opened_by("ben", "Is there steel?", "No.") is None


async def test_a_deleted_conversation_leaves_nothing_and_takes_no_late_answer(book: OrderBook) -> None:
    await book.conversations.begin("c", "anna")
    await add(book, "c")
    number = await book.conversations.ask("c", "anna", "And now?")
    await book.conversations.delete("c", "anna")

    await book.conversations.answer("c", number, given())

    assert await book.conversations.turns("c") == []
    with pytest.raises(UnknownConversation):
        await book.conversations.get("c", "anna")
