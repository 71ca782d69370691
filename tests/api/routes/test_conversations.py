"""A key's own conversations, over HTTP."""

from typing import Any

from api.door.auth import digest, new_key
from tests.order_book import store_key


async def ask(service: Any, message: str, **more: Any) -> dict[str, Any]:
    return dict((await service.client.post("/chat", json={"message": message, **more})).json())


async def test_conversations_are_listed_shown_and_deleted(service: Any, problem: Any) -> None:
    first = await ask(service, "Please restock STEEL_SHEETS.")
    await ask(service, "And how much of it do we have?", conversation_id=first["conversation_id"])
    await ask(service, "What is late?")

    listed = (await service.client.get("/conversations")).json()
    address = f"/conversations/{first['conversation_id']}"
    shown = (await service.client.get(address)).json()
    part = (await service.client.get(address, params={"limit": 1})).json()
    rest = (await service.client.get(address, params={"limit": 1, "before": part["next"]})).json()
    gone = await service.client.delete(address)

    assert [each["title"] for each in listed["conversations"]] == ["What is late?", "Please restock STEEL_SHEETS."]
    assert shown | {"messages": None, "next": None} == listed["conversations"][1] | {"messages": None, "next": None}
    assert part["messages"] + rest["messages"] == shown["messages"][::-1]
    assert shown["messages"][0]["run_ids"] == [run["run_id"] for run in first["runs"]]
    assert shown["messages"][0]["answer"] == first["answer"]
    assert (gone.status_code, gone.content) == (204, b"")
    problem(await service.client.get(address), 404, "unknown_conversation")
    problem(await service.client.delete(address), 404, "unknown_conversation")
    assert (await service.client.get(f"/runs/{first['runs'][0]['run_id']}")).status_code == 200


async def test_the_list_is_paged(service: Any) -> None:
    for number in range(3):
        await ask(service, f"What is late? {number}")

    first = (await service.client.get("/conversations", params={"limit": 2})).json()
    second = (await service.client.get("/conversations", params={"limit": 2, "before": first["next"]})).json()

    assert [len(page["conversations"]) for page in (first, second)] == [2, 1]
    assert second["next"] is None


async def test_nobody_sees_or_deletes_another_key_s_conversation(service: Any, problem: Any) -> None:
    mine = await ask(service, "What is late?")
    key = new_key()
    await store_key(service.book, digest(key.encode()), key[:10], "other", "trigger", "read", "approve", "admin")
    other = {"X-API-Key": key}

    listed = (await service.client.get("/conversations", headers=other)).json()

    assert listed == {"conversations": [], "next": None}
    for method in ("GET", "DELETE"):
        for name in (mine["conversation_id"], "0" * 32):
            address = f"/conversations/{name}"
            problem(await service.client.request(method, address, headers=other), 404, "unknown_conversation")
    problem(
        await service.client.get("/conversations", params={"before": mine["conversation_id"]}, headers=other),
        404,
        "unknown_conversation",
    )
    assert (await service.client.get(f"/conversations/{mine['conversation_id']}")).status_code == 200


async def test_a_key_that_may_only_read_has_no_conversations(service: Any, problem: Any) -> None:
    key = new_key()
    await store_key(service.book, digest(key.encode()), key[:10], "reader", "read")

    problem(await service.client.get("/conversations", headers={"X-API-Key": key}), 403, "scope_missing")
