"""JSON as the standard means it: one meaning for every byte, or none.

Python's own reader takes NaN, Infinity, 1e999, duplicate keys, lone surrogates and integers of any size; each of them
means different things to different programs.
"""

import json
import math
from typing import Any, NoReturn

from pydantic_core import from_json

from api.door.errors import MalformedRequest

MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly."""


def parse(body: bytes) -> Any:
    """The value in `body`; MalformedRequest with the place and the reason when it has no single meaning."""
    usual_numbers = not _has_unusual_number(body)
    found = _flat_object(body) if usual_numbers else None
    return _parse_carefully(body, usual_numbers) if found is None else found


def _has_unusual_number(body: bytes) -> bool:
    """Whether any could be beyond the limits: such a number has sixteen digits in a row, or an exponent."""
    zeros = body.translate(_DIGITS_TO_ZERO)
    return _SIXTEEN_DIGITS in zeros or b"0e" in zeros or b"0E" in zeros


def _flat_object(body: bytes) -> dict[str, Any] | None:
    """What most bodies are, an object without another in it, by a reader that is four times as fast and knows nothing
    of keys that come twice. None where this may be something else: the careful reader knows what is wrong with it."""
    if body.count(b"{") != 1 or body.count(b"[") >= MAX_DEPTH:
        return None
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError:
        return None
    # Each key has a colon behind it, and a key that comes twice only one place in the value.
    return value if isinstance(value, dict) and len(value) == body.count(b":") else None


def _parse_carefully(body: bytes, usual_numbers: bool) -> Any:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is not valid UTF-8; send UTF-8") from None
    if not text.strip(" \t\r\n"):
        raise _malformed("the body is empty; send a JSON object")
    value = _decode(text, _DECODER_OF_USUAL_NUMBERS if usual_numbers else _DECODER)
    _require_shallow(text, value)
    _require_characters(text, value)
    return value


def _decode(text: str, decoder: json.JSONDecoder) -> Any:
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _too_deep() from None


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


def _require_shallow(text: str, value: Any) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
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


def _require_characters(text: str, value: Any) -> None:
    r"""A surrogate can only come in as an escape, so most bodies need no second look."""
    if "\\ud" not in text and "\\uD" not in text:
        return
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise _malformed("an escape is half of a surrogate pair") from None


_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"0" * 9)
_SIXTEEN_DIGITS = b"0" * 16
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_float, parse_int=_integer, parse_constant=_constant)
_DECODER_OF_USUAL_NUMBERS = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)
"""A history of plain numbers is read three times as fast without a look at each."""
