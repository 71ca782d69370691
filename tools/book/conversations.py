"""Conversations with their turns. Each belongs to one key, and what a key keeps is bounded.

The newest turns keep what a model is told of them, tool results included; of older ones question and answer stay. A key
that keeps more than it may loses the conversations that it has not used for longest.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy import Connection

from tools.book.rows import Row, page_size
from tools.records.errors import UnknownConversation
from tools.records.facts import Record
from tools.records.text import clean_text
from tools.storage.caller_schema import conversations, turns
from tools.storage.database import Store, reads, writes
from tools.storage.types import Now

WHOLE_TURNS = 2
"""How many of the newest turns keep their messages."""
MOST_MESSAGE_BYTES = 40_000
"""A turn with longer messages keeps question and answer only."""
MOST_TURNS = 1_000
"""Of one conversation; beyond, its oldest turns go."""
MOST_TURNS_OF_KEY = 5_000
MOST_BYTES_OF_KEY = 20_000_000
TITLE_LENGTH = 80


class Conversation(Record):
    """A conversation, without its turns."""

    id: str
    title: str
    """Its first question, shortened."""
    created_at: datetime
    used_at: datetime
    turns: int
    """How many are kept."""


class Table(Record):
    """Rows that a tool answered."""

    tool: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float | bool | None, ...], ...]


class Findings(Record):
    """What tools answered, as a page shows it beside an answer."""

    products: dict[str, tuple[str, str]] = Field(default_factory=dict)
    """Ids and names with the id and the location of their product; the location is empty where there are several."""
    tables: tuple[Table, ...] = ()


class NewAnswer(Record):
    """An answer."""

    answer: str
    provider: str
    tools_used: tuple[str, ...] = ()
    run_ids: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    """What of it no tool's result holds."""
    findings: Findings = Findings()
    messages: tuple[dict[str, Any], ...] | None = None
    """What a model is told of it later. None: question and answer only."""


class Turn(NewAnswer):
    """A question and its answer, which is empty until it is there."""

    number: int
    question: str
    asked_at: datetime
    answered_at: datetime | None
    """None while it is being answered, and where the process died before."""


class ConversationStore(Store):
    """Conversations, and the bounds of what a key keeps."""

    @writes
    def begin(self, connection: Connection, conversation_id: str, owner: str) -> None:
        connection.execute(
            sa.insert(conversations).values(id=conversation_id, owner=owner, created_at=Now(), used_at=Now())
        )

    @reads
    def get(self, connection: Connection, conversation_id: str, owner: str) -> Conversation:
        """Raises UnknownConversation, also for a conversation of somebody else."""
        return _found(connection, conversation_id, owner)

    @reads
    def page(
        self, connection: Connection, owner: str, limit: int = 50, before: str | None = None
    ) -> list[Conversation]:
        """A page of the owner's conversations, the one used last first, at most 200. `before` is the last of the page
        before. Raises UnknownConversation."""
        mine = sa.select(conversations).where(conversations.c.owner == owner, conversations.c.turns > 0)
        if before is not None:
            last = _found(connection, before, owner)
            mine = mine.where(sa.tuple_(conversations.c.used_at, conversations.c.id) < (last.used_at, last.id))
        newest = mine.order_by(conversations.c.used_at.desc(), conversations.c.id.desc()).limit(page_size(limit))
        return [_conversation(row) for row in connection.execute(newest).mappings()]

    @reads
    def opened_by(self, connection: Connection, owner: str, question: str, answer: str) -> str | None:
        """The id of the owner's newest conversation that began with this question and answer."""
        began = conversations.c.opening == _opening(question, answer)
        query = sa.select(conversations.c.id).where(conversations.c.owner == owner, began)
        return connection.scalar(query.order_by(conversations.c.used_at.desc()).limit(1))

    @reads
    def turns(
        self, connection: Connection, conversation_id: str, limit: int = 50, before: int | None = None
    ) -> list[Turn]:
        """Its newest turns, oldest first, at most 200. `before` is the first of those that were read already."""
        query = sa.select(turns).where(turns.c.conversation_id == conversation_id)
        if before is not None:
            query = query.where(turns.c.number < before)
        rows = connection.execute(query.order_by(turns.c.number.desc()).limit(page_size(limit))).mappings().all()
        return [_turn(row) for row in reversed(rows)]

    @reads
    def turn(self, connection: Connection, conversation_id: str, number: int) -> Turn | None:
        """One of them, if it is kept."""
        one = sa.select(turns).where(turns.c.conversation_id == conversation_id, turns.c.number == number)
        row = connection.execute(one).mappings().first()
        return None if row is None else _turn(row)

    @writes
    def ask(self, connection: Connection, conversation_id: str, owner: str, question: str) -> int:
        """Record a question. Returns its number. Raises UnknownConversation, also for a conversation of somebody
        else."""
        _found(connection, conversation_id, owner, locked=True)
        last = sa.select(sa.func.max(turns.c.number)).where(turns.c.conversation_id == conversation_id)
        number = (connection.scalar(last) or 0) + 1
        text = _storable(question)
        empty = {"answer": "", "provider": "", "tools_used": (), "run_ids": (), "unverified": ()}
        place = {"conversation_id": conversation_id, "number": number, "asked_at": Now()}
        connection.execute(sa.insert(turns).values(question=text, size=_bytes(text), **place, **empty))
        gone = _forget_before(connection, conversation_id, number - MOST_TURNS)
        changed: dict[str, Any] = {
            "used_at": Now(),
            "turns": conversations.c.turns + 1 - len(gone),
            "size": conversations.c.size + _bytes(text) - sum(gone),
        }
        if number == 1:
            changed["title"] = clean_text(question, limit=TITLE_LENGTH)
        connection.execute(sa.update(conversations).where(conversations.c.id == conversation_id).values(changed))
        return number

    @writes
    def answer(self, connection: Connection, conversation_id: str, number: int, given: NewAnswer) -> None:
        """Keep the answer to a question, and let go what is over the bounds. If the question is gone, nothing is
        kept."""
        owner = connection.scalar(_of(conversation_id).with_only_columns(conversations.c.owner).with_for_update())
        one = sa.and_(turns.c.conversation_id == conversation_id, turns.c.number == number)
        asked = connection.execute(sa.select(turns.c.question, turns.c.size).where(one)).first()
        if asked is None or owner is None:
            return
        kept = _kept(given, asked.question)
        connection.execute(sa.update(turns).where(one).values(answered_at=Now(), **kept))
        freed = _shorten(connection, conversation_id, number - WHOLE_TURNS)
        changed: dict[str, Any] = {"used_at": Now(), "size": conversations.c.size + kept["size"] - asked.size - freed}
        if number == 1:
            changed["opening"] = _opening(asked.question, given.answer)
        connection.execute(sa.update(conversations).where(conversations.c.id == conversation_id).values(changed))
        _keep_bounds(connection, owner)

    @writes
    def delete(self, connection: Connection, conversation_id: str, owner: str) -> None:
        """Raises UnknownConversation, also for a conversation of somebody else."""
        _found(connection, conversation_id, owner)
        forget(connection, [conversation_id])


def forget(connection: Connection, ids: Collection[str]) -> None:
    """Delete these conversations with their turns."""
    connection.execute(sa.delete(turns).where(turns.c.conversation_id.in_(ids)))
    connection.execute(sa.delete(conversations).where(conversations.c.id.in_(ids)))


def _of(conversation_id: str) -> sa.Select[Any]:
    return sa.select(conversations).where(conversations.c.id == conversation_id)


def _found(connection: Connection, conversation_id: str, owner: str, *, locked: bool = False) -> Conversation:
    query = _of(conversation_id).where(conversations.c.owner == owner)
    row = connection.execute(query.with_for_update() if locked else query).mappings().first()
    if row is None:
        raise UnknownConversation(
            "There is no such conversation of yours. GET /conversations lists them; leave conversation_id out to begin "
            "one."
        )
    return _conversation(row)


def _conversation(row: Row) -> Conversation:
    return Conversation.model_validate({name: row[name] for name in Conversation.model_fields})


def _turn(row: Row) -> Turn:
    known = {name: row[name] for name in Turn.model_fields}
    return Turn.model_validate(known | {"findings": known["findings"] or {}})


def _kept(new: NewAnswer, question: str) -> dict[str, Any]:
    """The columns of an answer."""
    values = new.model_dump(mode="json") | {"answer": _storable(new.answer)}
    if new.findings == Findings():
        values["findings"] = None
    size = len(json.dumps(values["messages"]))
    if size > MOST_MESSAGE_BYTES:
        values["messages"], size = None, 0
    return values | {"size": size + _short_size(question, values)}


def _short_size(question: str, values: Mapping[str, Any]) -> int:
    """Bytes of a turn without its messages."""
    return _bytes(question, values["answer"], json.dumps(values["findings"]) if values["findings"] else "")


def _storable(text: str) -> str:
    """Without the character that PostgreSQL does not store."""
    return text.replace("\0", "")


def _bytes(*texts: str) -> int:
    return sum(len(text.encode("utf-8", "replace")) for text in texts)


def _shorten(connection: Connection, conversation_id: str, number: int) -> int:
    """Drop a turn's messages; question and answer stay. Returns the bytes that it frees."""
    one = sa.and_(turns.c.conversation_id == conversation_id, turns.c.number == number)
    row = connection.execute(sa.select(turns).where(one)).mappings().first()
    if row is None or row["messages"] is None:
        return 0
    size = _short_size(row["question"], dict(row))
    connection.execute(sa.update(turns).where(one).values(messages=None, size=size))
    return int(row["size"]) - size


def _forget_before(connection: Connection, conversation_id: str, number: int) -> Sequence[int]:
    """Delete a conversation's turns up to this one. Returns their sizes."""
    old = sa.delete(turns).where(turns.c.conversation_id == conversation_id, turns.c.number <= number)
    return connection.scalars(old.returning(turns.c.size)).all()


def _keep_bounds(connection: Connection, owner: str) -> None:
    """Delete the owner's conversations that were not used for longest, until what is kept is within the bounds."""
    kept = sa.select(sa.func.sum(conversations.c.turns), sa.func.sum(conversations.c.size))
    count, size = connection.execute(kept.where(conversations.c.owner == owner)).one()
    if count <= MOST_TURNS_OF_KEY and size <= MOST_BYTES_OF_KEY:
        return
    newest = sa.select(conversations).where(conversations.c.owner == owner).order_by(conversations.c.used_at.desc())
    total, total_size = 0, 0
    over = []
    for position, row in enumerate(connection.execute(newest)):
        total, total_size = total + row.turns, total_size + row.size
        if position and (total > MOST_TURNS_OF_KEY or total_size > MOST_BYTES_OF_KEY):
            over.append(row.id)
    forget(connection, over)


def _opening(question: str, answer: str) -> str:
    """A hash of how a conversation began, whatever its line breaks."""
    words = " ".join(question.split()), " ".join(answer.split())
    return sha256("\n".join(words).encode("utf-8", "replace")).hexdigest()
