"""Requests as bytes, each broken in a way of its own: what no client library would send."""

import json
import random
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

X1 = {
    "product_id": "X1",
    "mode": "input",
    "current_stock": 150,
    "demand_history": [100, 120, 110, 130, 125, 115, 140],
    "lead_time_days": 7,
    "unit_price": 5,
}
GOOD_BODY = json.dumps(X1).encode()
SILENCE_SECONDS = 3.0
NUMBERS = ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-400", "9223372036854775808", "1" * 400, "0x10", "01")
NUMBERS += ("1.", ".5", "+1", "--1", "1e", "1_000", "\u0661", "true", "null", '"7"', "[7]", "{}", "-0", "0.1e-7")
TEXTS = ("\\ud800", "\\udfff\\ud800", "\\u0000", "\\x41", "\\", "\x00", "\x01", "\x7f", "\x85", "\u2028", "\ufeff")
TEXTS += ("%00", "../../etc/passwd", "\u202e", "\U000e0041", "' OR 1=1--", "{{7*7}}", "${jndi:ldap://x}", "a" * 50_000)


def probes(key: str) -> dict[str, bytes]:
    """Every probe by name; the same ones each time."""
    return dict(
        [*_lines(key), *_headers(key), *_lengths(key), *_bodies(key), *_numbers(key), *_texts(key), *_noise(key)]
    )


def request(
    key: str, body: bytes, *, path: str = "/inventory-trigger", extra: bytes = b"", media: bytes = b"application/json"
) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\ncontent-length: {len(body)}\r\n".encode()
    return head + b"content-type: " + media + b"\r\nconnection: close\r\n" + extra + b"\r\n" + body


def answer_to(url: str, raw: bytes) -> bytes:
    """What the server says to it until it closes, or is silent for a while."""
    address = urlsplit(url)
    said = b""
    with socket.create_connection((address.hostname, address.port), timeout=SILENCE_SECONDS) as connection:
        try:
            connection.sendall(raw)
            while more := connection.recv(65_536):
                said += more
        except (TimeoutError, ConnectionError):
            pass
    return said


def _lines(key: str) -> Iterator[tuple[str, bytes]]:
    tail = f"host: x\r\nx-api-key: {key}\r\nconnection: close\r\n\r\n".encode()
    lines = (
        *(b"GET %s HTTP/1.1" % path for path in _PATHS),
        *(
            b"%s / HTTP/1.1" % method
            for method in (b"BREW", b"get", b"TRACE", b"CONNECT", b"PRI", b"\xff\xfe", b"G\x00T")
        ),
        *(b"GET / HTTP/%s" % version for version in (b"0.9", b"1.0", b"2.0", b"9.9", b"1.1.1", b"x", b"1.1 ", b"-1")),
        *(b"GET / HTTP/1.1", b"GET /", b"GET", b"", b" GET / HTTP/1.1", b"GET\t/\tHTTP/1.1", b"OPTIONS * HTTP/1.1"),
        *(
            b"CONNECT x:80 HTTP/1.1",
            b"GET x:80 HTTP/1.1",
            b"PRI * HTTP/2.0",
            b"GET / HTTP/1.1\rX: y",
            b"GET / HTTP/1.1\nX",
        ),
    )
    for number, line in enumerate(lines):
        yield f"line {number}: {line[:40]!r}", line + b"\r\n" + tail


_PATHS = (
    *(b"/%s" % escape for escape in (b"%00", b"%ff", b"%", b"%2", b"%zz", b"%2e%2e/", b"%c0%af", b"%u0041", b"%0d%0a")),
    *(
        b"//",
        b"/./../..",
        b"/\\",
        b"/;a=b",
        b"/?",
        b"/?%00",
        b"/?a&a=&=a&%ff=%ff",
        b"/#x",
        b"*",
        b"http://x/",
        b"http://[/",
    ),
    *(
        b"/debug/%00",
        b"/debug/%ff",
        b"/debug/" + b"a" * 5_000,
        b"/orders?limit=%00",
        b"/orders?limit=1e9",
        b"/orders/%ff",
    ),
    *(b"/orders?product_id=%ff%fe", b"/reviews/%00", b"/reviews?before=%00", b"/runs/%ff", b"/runs/" + b"9" * 5_000),
    *(b"/orders?before=99999999999999999999", b"/reviews/RV-99999999999999999999", b"/\xc3\xa4", b"/\xff", b"/a b"),
)


def _headers(key: str) -> Iterator[tuple[str, bytes]]:
    extras = (
        *(b"x-a: \x00", b"x-a: \x01\x02", b"x-a: \xff", b"x-a:\x0b", b"x-a", b": a", b"x a: b", b"x-a : b", b"\x00: b"),
        *(b"x-a: b\r\n folded", b"x-a: " + b"a" * 40_000, b"x-a: b\rx-c: d", b"x-a: b\nx-c: d", b"host: y", b"host:"),
        *(b"x-api-key: second", b"x-request-id: \xff\x00", b"x-request-id: " + b"a" * 5_000, b"idempotency-key: \xff"),
        *(b"idempotency-key:", b"idempotency-key: a\r\nidempotency-key: b", b"idempotency-key: " + b"a" * 201),
        *(b"x-forwarded-for: \xff, 1.2.3.4", b"x-forwarded-for: " + b"1.2.3.4," * 900, b"x-forwarded-proto: \x7f"),
        *(b"expect: 100-continue", b"expect: nonsense", b"upgrade: websocket\r\nconnection: upgrade", b"upgrade: h2c"),
        *(
            b"prefer: respond-async",
            b"prefer: \xff",
            b"accept: \xff",
            b"accept: text/event-stream",
            b"range: bytes=0-1",
        ),
        *(b"origin: null", b"content-encoding: gzip", b"content-encoding: \xff", b"te: trailers", b"cookie: \xff=\xff"),
    )
    for number, extra in enumerate(extras):
        yield f"header {number}: {extra[:40]!r}", request(key, GOOD_BODY, extra=extra + b"\r\n")
    yield "600 headers", request(key, GOOD_BODY, extra=b"".join(b"x-%d: a\r\n" % number for number in range(600)))
    for number, media in enumerate((b"", b"text/json", b"application/json; charset=utf-16", b"\xff", b"a/b" * 3_000)):
        yield f"media {number}", request(key, GOOD_BODY, media=media)
    for number, other in enumerate(("", " ", "\xff" * 40, "rsk_", "a" * 20_000, "\u00fc")):
        raw = request("KEY", GOOD_BODY)
        yield f"key {number}", raw.replace(b"KEY", other.encode("latin-1"))


def _lengths(key: str) -> Iterator[tuple[str, bytes]]:
    whole = request(key, GOOD_BODY)
    length = b"content-length: %d" % len(GOOD_BODY)
    others = (
        *(
            b"content-length: -1",
            b"content-length: 1e3",
            b"content-length: 0x10",
            b"content-length: +5",
            b"content-length:",
        ),
        *(
            b"content-length: 99999999999999999999999",
            b"content-length: 2000000",
            b"content-length: 1",
            b"content-length: 0",
        ),
        *(length + b"\r\n" + length, length + b"\r\ncontent-length: 3", length + b"\r\ntransfer-encoding: chunked"),
        *(b"transfer-encoding: chunked", b"transfer-encoding: identity", b"transfer-encoding: gzip, chunked", b"x: y"),
        *(b"transfer-encoding: chunked, chunked", b"transfer-encoding: \xff", b"transfer-encoding: chunked\r\nx: \x00"),
    )
    for number, other in enumerate(others):
        yield f"length {number}: {other[:60]!r}", whole.replace(length, other)
    chunked = whole.replace(length, b"transfer-encoding: chunked").removesuffix(GOOD_BODY)
    for number, chunks in enumerate(_CHUNKS):
        yield f"chunks {number}", chunked + chunks
    for cut in range(1, len(whole), len(whole) // 12):
        yield f"cut off after {cut} bytes", whole[:cut]
    yield "two at once", whole.replace(b"connection: close\r\n", b"") + whole


_WHOLE = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD_BODY), GOOD_BODY)
_CHUNKS = (
    *(
        _WHOLE,
        b"zz\r\n",
        b"-1\r\n",
        b"ffffffffffffffff\r\n",
        b"5\r\nabc\r\n0\r\n\r\n",
        b"0\r\n\r\n",
        b"\r\n",
        b"5;ext=\xff\r\n",
    ),
    *(
        b"1\r\na" * 50,
        _WHOLE[:-2] + b"trailer: \x00\r\n\r\n",
        _WHOLE + b"garbage",
        b"1\n{\n0\n\n",
        b"00001\r\n{\r\n0\r\n\r\n",
    ),
)


def _bodies(key: str) -> Iterator[tuple[str, bytes]]:
    text = GOOD_BODY.decode()
    bodies = (
        *(b"", b" ", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf" + GOOD_BODY, text.encode("utf-16"), text.encode("utf-32")),
        *(
            b"{",
            b"}",
            b"[]",
            b"null",
            b"true",
            b'"a"',
            b"1",
            b"{}" * 2,
            GOOD_BODY[:-1],
            GOOD_BODY + b"x",
            b"{,}",
            b"//",
        ),
        *(
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b"[" * 500 + b"]" * 500,
            b'{"a":1,"a":2}',
            b"\x1f\x8b\x08\x00",
            b"a=b&c=d",
        ),
        *(
            GOOD_BODY.replace(b'"X1"', b'"\xff"'),
            GOOD_BODY.replace(b"{", b'{"mode":"mock",', 1),
            b" " * 900_000,
            b"{'a':1}",
        ),
        *(GOOD_BODY.replace(b"100,", b"100," * 100_000), GOOD_BODY.replace(b'"mode": "input"', b'"mode": ["input"]')),
    )
    for number, body in enumerate(bodies):
        yield f"body {number}: {body[:20]!r}", request(key, body)
        yield f"chat {number}: {body[:20]!r}", request(key, body, path="/chat")
        yield f"decision {number}: {body[:20]!r}", request(key, body, path="/reviews/RV-000001/decision")


def _numbers(key: str) -> Iterator[tuple[str, bytes]]:
    for literal in NUMBERS:
        for field, value in (("current_stock", "150"), ("lead_time_days", "7"), ("unit_price", "5")):
            body = json.dumps(X1).replace(f'"{field}": {value}', f'"{field}": {literal}').encode()
            yield f"{field} = {literal[:20]}", request(key, body)
        body = GOOD_BODY.replace(b"[100,", b"[%s," % literal.encode())
        yield f"demand = {literal[:20]}", request(key, body)


def _texts(key: str) -> Iterator[tuple[str, bytes]]:
    for number, text in enumerate(TEXTS):
        for field in ("product_id", "note", "product_name"):
            body = json.dumps({**X1, field: "MARK"}, ensure_ascii=False).replace("MARK", text).encode()
            yield f"{field} = text {number}", request(key, body)
        yield f"message = text {number}", request(key, f'{{"message": "{text}"}}'.encode(), path="/chat")


def _noise(key: str) -> Iterator[tuple[str, bytes]]:
    """A good request with a few bytes changed at random, from a fixed seed."""
    random_bytes = random.Random(20_26)
    whole = request(key, GOOD_BODY)
    for number in range(100):
        broken = bytearray(whole)
        for _ in range(random_bytes.randint(1, 6)):
            broken[random_bytes.randrange(len(broken))] = random_bytes.randrange(256)
        yield f"noise {number}", bytes(broken)
    for number in range(20):
        yield f"random {number}", random_bytes.randbytes(random_bytes.randint(1, 3_000))
