"""Byte by byte: a body has one meaning or is refused, and never more than that."""

import json
import random
from typing import Any

import pytest

from api.door.errors import MalformedRequest
from api.door.strict_json import MAX_DEPTH, check

GOOD = json.dumps({"product_id": "X1", "mode": "input", "current_stock": 150, "demand_history": [1, 2, 3]}).encode()

NOT_JSON: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \t\r\n ",
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": Infinity}',
    "-Infinity": b'{"a": -Infinity}',
    "1e999": b'{"a": 1e999}',
    "-1e999": b'{"a": -1e999}',
    "a number of 400 digits": b'{"a": ' + b"9" * 400 + b"}",
    "a number of 5000 digits": b'{"a": ' + b"9" * 5_000 + b"}",
    "a fraction of 5000 digits and a huge exponent": b'{"a": 1.' + b"9" * 5_000 + b"e999}",
    "2**53": b'{"a": 9007199254740992}',
    "-2**53": b'{"a": -9007199254740992}',
    "2**63": b'{"a": 9223372036854775808}',
    "a key twice": b'{"a": 1, "a": 1}',
    "a key twice, escaped": b'{"a": 1, "\\u0061": 2}',
    "a key twice, deep": b'[{"b": {"a": 1, "a": 2}}]',
    "the first half of a pair": b'{"a": "\\ud800"}',
    "the second half of a pair": b'{"a": "\\uDFFF"}',
    "a pair the wrong way round": b'{"a": "\\udc00\\ud800"}',
    "half a pair as a key": b'{"\\uD834": 1}',
    "half a pair in UTF-8": b'{"a": "\xed\xa0\x80"}',
    "Latin-1": b'{"a": "\xfc"}',
    "an overlong slash": b'{"a": "\xc0\xaf"}',
    "beyond Unicode": b'{"a": "\xf4\x90\x80\x80"}',
    "half a character": b'{"a": "\xe2\x82',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-32": '{"a": 1}'.encode("utf-32-le"),
    "a byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "single quotes": b"{'a': 1}",
    "no quotes": b"{a: 1}",
    "a comma too many": b'{"a": 1,}',
    "a comma too many in a list": b"[1, 2,]",
    "no comma": b'{"a": 1 "b": 2}',
    "a comment": b'{"a": 1} // done',
    "a second value": b'{"a": 1} {"a": 1}',
    "cut off": b'{"a": ',
    "cut off in a word": b'{"a": tru',
    "a raw line break in a string": b'{"a": "x\ny"}',
    "a raw NUL in a string": b'{"a": "x\x00y"}',
    "a raw NUL": b"\x00",
    "a bad escape": b'{"a": "\\x41"}',
    "a short escape": b'{"a": "\\u12"}',
    "hexadecimal": b'{"a": 0x10}',
    "a leading zero": b'{"a": 010}',
    "a leading plus": b'{"a": +1}',
    "a bare point": b'{"a": .5}',
    "a point at the end": b'{"a": 5.}',
    "an underscore": b'{"a": 1_000}',
    "True": b'{"a": True}',
    "None": b'{"a": None}',
    "undefined": b'{"a": undefined}',
    "a form": b"product_id=X1&mode=mock",
    "XML": b"<a>1</a>",
    "deep lists": b"[" * 33 + b"]" * 33,
    "deep objects": b'{"a":' * 33 + b"1" + b"}" * 33,
    "very deep lists": b"[" * 100_000 + b"]" * 100_000,
    "very deep, never closed": b"[" * 400_000,
    "deep and broad": b"[" + b"[[1]]," * 5_000 + b"[" * 40 + b"]" * 40 + b"]",
}


@pytest.mark.parametrize("case", NOT_JSON)
def test_what_has_no_single_meaning_is_refused(case: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        check(NOT_JSON[case])

    assert refused.value.code == "malformed_json"
    assert len(refused.value.detail) < 200


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 2.5, -0, 1e3, true, null, "x"]}', {"a": [1, 2.5, 0, 1000.0, True, None, "x"]}),
        (b' \r\n\t{"a": {}} ', {"a": {}}),
        (b'{"a": "\\ud834\\udd1e \\u00fc"}', {"a": "\U0001d11e \u00fc"}),
        ('{"ü": "漢字"}'.encode(), {"ü": "漢字"}),
        (b"9007199254740991", 9007199254740991),
        (b"1e-400", 0.0),
        (b'"\\\\ud800"', "\\ud800"),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
    ],
)
def test_what_has_one_meaning_is_read(body: bytes, value: Any) -> None:
    check(body)

    assert value is None or json.loads(body) == value


def _mutations(count: int) -> list[bytes]:
    """Good bodies with bytes changed, dropped, doubled or put in at random, always the same ones."""
    chance = random.Random(20_26)
    mutated = []
    for _ in range(count):
        body = bytearray(GOOD)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(body))
            match chance.randrange(4):
                case 0:
                    body[place] = chance.randrange(256)
                case 1:
                    del body[place : place + chance.randint(1, 9)]
                case 2:
                    body[place:place] = body[place : place + chance.randint(1, 30)]
                case _:
                    body[place:place] = chance.choice(
                        [b"\x00", b"\\ud800", b"NaN", b"1e999", b"\xff", b'"', b"]", b"{"]
                    )
            body = body or bytearray(b" ")
        mutated.append(bytes(body))
    return mutated


def test_whatever_is_accepted_has_one_meaning_to_pythons_own_reader() -> None:
    def every_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    accepted = 0
    for body in _mutations(3_000):
        try:
            check(body)
        except MalformedRequest:
            continue
        accepted += 1
        json.loads(body, object_pairs_hook=every_key_once, parse_constant=pytest.fail)
        body.decode()

    assert accepted >= 200


def _odd_values() -> list[bytes]:
    """Well-formed JSON with an unexpected value in every field."""
    values = [None, True, "", "x", "0.5", -1, 0, 1e308, -1e308, 5e-324, 2**53 - 1, [], [[]], {}, {"a": {}}, [None] * 9]
    fields = ["product_id", "mode", "current_stock", "demand_history", "lead_time_days", "unit_price", "open_orders"]
    fields += ["price_breaks", "stockout_periods", "currency", "location", "note"]
    good = {**json.loads(GOOD), "lead_time_days": 7}
    return [json.dumps({**good, field: value}).encode() for field in fields for value in values]


@pytest.mark.asyncio(loop_scope="module")
async def test_no_bytes_at_all_make_the_service_fail(shared: Any) -> None:
    probes = [*NOT_JSON.values(), *_mutations(200), *_odd_values()]
    addresses = ["/inventory-trigger", "/chat", "/reviews/RV-000001/decision"]
    headers = {"content-type": "application/json"}

    failed = []
    for number, body in enumerate(probes):
        for address in addresses[: 1 if number % 4 else 3]:
            response = await shared.client.post(address, content=body, headers=headers)
            if response.status_code >= 500:
                failed.append((address, body[:120], response.text))

    assert len(probes) >= 400
    assert failed == []


@pytest.mark.asyncio(loop_scope="module")
async def test_no_answer_holds_a_number_that_json_does_not_know(shared: Any, x1: dict[str, Any]) -> None:
    extremes = [
        {"current_stock": 0, "demand_history": [0, 0, 0]},
        {"current_stock": 1e9, "demand_history": [1e8, 0, 1e8]},
        {"lead_time_days": 0, "demand_history": [1e-6, 0, 1e-6]},
        {"lead_time_days": 3_650, "review_period_days": 3_650, "demand_history": [1e8] * 40, "unit_price": 1e9},
        {"observed_lead_times_days": [0] * 30, "lead_time_sd_days": 3_650},
        {"service_level": 5e-324},
        {"service_level": 0.999, "service_type": "fill_rate", "order_cost": 1e9, "holding_rate": 5e-324},
        {"service_type": "cost", "stockout_cost": 1e9, "holding_rate": 100, "unit_price": 1e-6},
        {"demand_period_days": 5e-324},
        {"maximum_cover_days": 5e-324, "shelf_life_days": 5e-324},
        {"minimum_order_quantity": 10**9, "order_multiple": 10**9, "maximum_order_quantity": 1},
        {"open_orders": [{"reference": "A", "quantity": 1e9, "due_in_days": -3_650}] * 100},
        {"demand_history": [None] * 4_997 + [1, 2, 3]},
    ]

    for number, change in enumerate(extremes):
        response = await shared.client.post("/inventory-trigger", json={**x1, "product_id": f"E{number}", **change})
        assert response.status_code in (200, 422), (change, response.text)
        json.loads(response.content, parse_constant=pytest.fail)
