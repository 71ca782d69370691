"""Refuses JSON that programs read differently.

Python's reader accepts NaN, Infinity, 1e999, duplicate keys, lone surrogates and integers of any size. They are refused
here; FastAPI then reads the rest.
"""

import json
import math
import re
from typing import Any, NoReturn

from api.door.errors import MalformedRequest

MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly."""

_MAYBE_TOO_LARGE = re.compile(r"\d{16}|\d[eE]\+?\d{3}")
"""Without such digits no number is too large, so its reader need not ask."""


def check(body: bytes) -> None:
    """Raise MalformedRequest with place and reason if `body` is not strict JSON."""
    try:
        text = body.decode("utf-8")
        value = (_CAREFUL if _MAYBE_TOO_LARGE.search(text) else _PLAIN).decode(text)
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is not valid UTF-8; send UTF-8") from None
    except json.JSONDecodeError as error:
        if not text.strip():
            raise _malformed("the body is empty; send a JSON object") from None
        raise _malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _too_deep() from None
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _require_shallow(value)
    if "\\ud" in text or "\\uD" in text:  # a surrogate can only come in as an escape
        _require_whole_characters(value)


def _malformed(reason: str) -> MalformedRequest:
    return MalformedRequest(f"The body is not strict JSON: {reason}.", code="malformed_json")


def _too_deep() -> MalformedRequest:
    return _malformed(f"it is nested deeper than {MAX_DEPTH} levels")


def _float(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise _malformed("a number is too large for a double")
    return value


def _integer(literal: str) -> int:
    value = int(literal) if len(literal) <= 17 else MAX_INTEGER + 1
    if abs(value) > MAX_INTEGER:
        raise _malformed(f"an integer is outside ±{MAX_INTEGER}")
    return value


def _constant(name: str) -> NoReturn:
    raise _malformed(f"{name} is not a JSON number; send null where a value is unknown")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _malformed("a key appears twice in one object")
    return members


def _require_shallow(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent) if isinstance(child, list | dict)]
        if not level:
            return
    raise _too_deep()


def _children(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _require_whole_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise _malformed("an escape is half of a surrogate pair") from None


_PLAIN = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)
_CAREFUL = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_float, parse_int=_integer, parse_constant=_constant)
