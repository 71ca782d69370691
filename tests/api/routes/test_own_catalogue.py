"""Decisions on the planner's own catalogue, which only proposes until somebody says otherwise."""

import sqlalchemy as sa

from tests.api.conftest import Service, Start
from tests.own_catalogue import keep_bolts
from tools.planning.gate import ONLY_PROPOSES

TRIGGER = {"product_id": "BOLTS", "mode": "database"}


def engine_of(service: Service) -> sa.Engine:
    return service.book.database.engine


async def test_a_new_catalogue_only_proposes(service: Service) -> None:
    keep_bolts(engine_of(service), on_hand=60)
    answer = (await service.trigger(TRIGGER)).json()
    assert (answer["status"], answer["order"], answer["mode"]) == ("pending_review", None, "database")
    [review] = (await service.client.get("/reviews")).json()["reviews"]
    assert review["review_reasons"] == [ONLY_PROPOSES]


async def test_safe_orders_go_out_once_it_is_switched_on(service: Service) -> None:
    keep_bolts(engine_of(service), on_hand=60)
    switched = await service.client.put("/automatic", json={"on": True})
    assert switched.json() == {"on": True, "suppliers": {}}
    answer = (await service.trigger(TRIGGER)).json()
    assert (answer["status"], answer["order"]["items"][0]["product_id"]) == ("executed", "BOLTS")


async def test_what_waited_only_for_the_switch_goes_out_once_it_is_on(service: Service) -> None:
    keep_bolts(engine_of(service), on_hand=60)
    waiting = (await service.trigger(TRIGGER)).json()
    assert (await service.trigger(TRIGGER)).json()["status"] == "already_in_review"
    await service.client.put("/automatic", json={"on": True})
    assert (await service.trigger(TRIGGER)).json()["status"] == "executed"
    review = (await service.client.get(f"/reviews/{waiting['review_id']}")).json()
    assert review["status"] == "superseded"


async def test_one_supplier_may_differ_until_all_are_switched(service: Service) -> None:
    keep_bolts(engine_of(service), on_hand=60)
    await service.client.put("/automatic", json={"on": True, "supplier_id": "OTHER"})
    assert (await service.trigger(TRIGGER)).json()["status"] == "pending_review"
    await service.client.put("/automatic", json={"on": True, "supplier_id": "ACME"})
    assert (await service.client.get("/automatic")).json() == {"on": False, "suppliers": {"ACME": True, "OTHER": True}}
    assert (await service.client.put("/automatic", json={"on": False})).json() == {"on": False, "suppliers": {}}


async def test_the_switch_is_on_the_audit_trail(service: Service) -> None:
    await service.client.put("/automatic", json={"on": True})
    [entry] = (await service.client.get("/audit", params={"limit": 1})).json()["entries"]
    assert (entry["event"], entry["figures"]) == ("automatic.switched", {"on": True, "supplier_id": None})


async def test_a_doubtful_order_names_its_own_reason_and_not_the_switch(start: Start) -> None:
    service = await start(auto_order_value_limit=1)
    keep_bolts(engine_of(service), on_hand=60)
    await service.trigger(TRIGGER)
    [review] = (await service.client.get("/reviews")).json()["reviews"]
    assert ONLY_PROPOSES not in review["review_reasons"]
    assert "above the automatic limit" in review["review_reasons"][0]


async def test_debug_and_chat_see_the_own_catalogue(service: Service) -> None:
    keep_bolts(engine_of(service), on_hand=60)
    debug = (await service.client.get("/debug/BOLTS", params={"mode": "database"})).json()
    assert (debug["would_trigger"], debug["calculation"]["currency"]) == (True, "EUR")
    said = (await service.client.post("/chat", json={"message": "What is the reorder point of BOLTS?"})).json()
    assert "BOLTS" in said["answer"] and "calculate_reorder" in said["tools_used"]


async def test_without_a_catalogue_the_way_to_one_is_named(service: Service) -> None:
    answer = await service.trigger(TRIGGER)
    assert answer.status_code == 422
    assert "restock import" in answer.json()["detail"]
