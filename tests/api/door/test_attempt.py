"""One sending of a request that may carry a key, without a service around it."""

import asyncio
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.requests import Request

from agent.settings import Settings
from api.door.errors import MalformedRequest
from api.door.idempotency import MAX_LENGTH, Attempt, hash_of


class Body(BaseModel):
    message: str = "hi"
    note: str = ""
    rates: dict[str, int] = {}


class Answers:
    """The stored answers, as the order book gives them."""

    def __init__(self, *, stored: str | None = None, first: str | None = None) -> None:
        self.stored, self.first = stored, first
        self.calls: list[tuple[Any, ...]] = []

    async def begin(self, *what: str, lease_seconds: float) -> str | None:
        self.calls.append(("begin", *what, lease_seconds))
        return self.stored

    async def finish(self, *what: str) -> str | None:
        self.calls.append(("finish", *what))
        return self.first

    async def abandon(self, *what: str) -> None:
        self.calls.append(("abandon", *what))


SETTINGS = Settings(_env_file=None, run_deadline_seconds=4.5)


def attempt(*keys: bytes, answers: Answers | None = None, path: str = "/chat", caller: str = "key_1") -> Attempt:
    request = Request(
        {
            "type": "http",
            "path": path,
            "headers": [(b"idempotency-key", key) for key in keys],
            "app": SimpleNamespace(state=SimpleNamespace(runtime=SimpleNamespace(settings=SETTINGS))),
            "state": {"caller": SimpleNamespace(id=caller)},
        }
    )
    book: Any = SimpleNamespace(answers=answers or Answers())
    return Attempt(request, Body(message="hello"), book)


async def work() -> bytes:
    return b'{"secret": 1}'


HASH = hash_of(Body(message="hello"))


async def test_without_a_key_the_work_is_done_and_nothing_is_kept() -> None:
    answers = Answers(stored="{}")
    sent = attempt(answers=answers)

    response = await sent.answer(work)

    assert (response.body, answers.calls, sent.run_id) == (b'{"secret": 1}', [], None)
    assert "idempotency-replayed" not in response.headers


async def test_the_first_answer_is_given_whole_and_kept_as_it_may_be() -> None:
    answers = Answers()

    response = await attempt(b"a", answers=answers).answer(work, kept=lambda body: body.replace(b"1", b"null"))

    assert response.body == b'{"secret": 1}'
    assert response.media_type == "application/json"
    begun, kept = answers.calls
    assert begun[:4] == ("begin", "a", "key_1 /chat", HASH)
    assert kept == ("finish", "a", "key_1 /chat", '{"secret": null}')


async def test_the_key_is_held_for_longer_than_the_run_and_the_wait_together() -> None:
    answers = Answers()

    await attempt(b"a", answers=answers).answer(work)

    assert answers.calls[0][4] == 15.0
    assert answers.calls[0][4] > SETTINGS.wait_seconds + 1


async def test_a_stored_answer_is_given_again_and_no_work_is_done() -> None:
    answers = Answers(stored='{"first": 1}')

    async def never() -> bytes:
        raise AssertionError("done twice")

    response = await attempt(b"a", answers=answers).answer(never)

    assert response.body == b'{"first": 1}'
    assert response.headers["idempotency-replayed"] == "true"
    assert [call[0] for call in answers.calls] == ["begin"]


async def test_where_another_sending_answered_first_its_answer_stands() -> None:
    response = await attempt(b"a", answers=Answers(first='{"first": 1}')).answer(work)

    assert response.body == b'{"first": 1}'


@pytest.mark.parametrize("ended", [RuntimeError, asyncio.CancelledError])
async def test_work_that_fails_or_is_cancelled_gives_its_key_back(ended: type[BaseException]) -> None:
    answers = Answers()

    async def break_off() -> bytes:
        raise ended

    with pytest.raises(ended):
        await attempt(b"a", answers=answers).answer(break_off)

    assert [call[0] for call in answers.calls] == ["begin", "abandon"]
    assert answers.calls[1] == ("abandon", "a", "key_1 /chat")


@pytest.mark.parametrize("key", [b"k", b"k" * MAX_LENGTH, b"a key: ~!"])
def test_a_key_of_1_to_200_printable_characters_is_taken(key: bytes) -> None:
    assert attempt(key).run_id is not None


@pytest.mark.parametrize("keys", [[b""], [b"k" * (MAX_LENGTH + 1)], ["ü".encode()], [b"tab\t"], [b"a", b"b"]])
def test_any_other_key_is_refused(keys: list[bytes]) -> None:
    with pytest.raises(MalformedRequest) as refusal:
        attempt(*keys)
    assert refusal.value.code == "invalid_idempotency_key"


def test_two_keys_are_told_apart_from_one_that_is_too_long() -> None:
    with pytest.raises(MalformedRequest, match="several"):
        attempt(b"a", b"a")
    assert MAX_LENGTH == 200


def test_a_run_s_id_follows_from_caller_address_and_key_and_stays_with_them() -> None:
    runs = {
        attempt(b"a").run_id,
        attempt(b"b").run_id,
        attempt(b"a", path="/inventory-trigger").run_id,
        attempt(b"a", caller="key_2").run_id,
    }
    assert len(runs) == 4
    assert attempt(b"a").run_id == sha256(b"key_1 /chat\na").hexdigest()[:32]


def test_a_body_s_hash_is_of_the_fields_that_were_sent_in_any_order() -> None:
    assert hash_of(Body(message="a", note="b")) == hash_of(Body(note="b", message="a"))
    assert hash_of(Body(rates={"EUR": 1, "GBP": 2})) == hash_of(Body(rates={"GBP": 2, "EUR": 1}))
    assert len({hash_of(Body()), hash_of(Body(message="hi")), hash_of(Body(message="hi", note=""))}) == 3
    assert hash_of(Body(message="hello")) == sha256(b'{"message":"hello"}').hexdigest()
