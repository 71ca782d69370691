"""Turns the text of a setting into its value."""

import json
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

_CUT_OFF = "look whether it is cut off"


def value_of(text: str, annotation: Any) -> Any:
    """The value as far as the text shows it; pydantic checks the rest. Raises ValueError for a text that is cut off.
    No message shows the text, because it may be a secret.

    >>> value_of("off", Decimal | None) is None
    True
    >>> value_of("a, b", tuple[str, ...])
    ('a', 'b')
    """
    text, kinds = text.strip(), _kinds(annotation)
    if text[:1] in ("'", '"') and (len(text) == 1 or text[-1] != text[0]):
        raise ValueError("has a quote that does not close")
    if "\n" in text and not text.startswith(("[", "{")):
        raise ValueError("goes over several lines; look whether its quote is closed")
    if dict in kinds:
        return _dictionary(text)
    if tuple in kinds:
        return _list(text)
    if kinds & {int, float, Decimal}:
        return _number(text, may_be_off=NoneType in kinds)
    if not text and NoneType not in kinds:
        raise ValueError("is empty; give it a value or remove the line")
    return text or None


def _kinds(annotation: Any) -> set[Any]:
    """The types that the annotation allows."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return {kind for member in get_args(annotation) for kind in _kinds(member)}
    return {origin or annotation}


def _dictionary(text: str) -> Any:
    if text and not text.startswith("{"):
        raise ValueError("should be JSON, as {...}")
    return _json(text) if text else {}


def _list(text: str) -> Any:
    if text.startswith("["):
        return _json(text)
    if text.endswith(","):
        raise ValueError(f"ends in a comma; {_CUT_OFF}")
    return tuple(part.strip() for part in text.split(",")) if text else ()


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError(f"is not whole JSON; {_CUT_OFF}") from None


def _number(text: str, *, may_be_off: bool) -> str | None:
    if may_be_off and text.lower() == "off":
        return None
    if not text:
        raise ValueError("is empty; write a number" + (", or off for no limit" if may_be_off else ""))
    if not text[-1].isalnum():
        raise ValueError(f"ends in {text[-1]!r}; {_CUT_OFF}")
    return text


def text_of(value: Any, field: FieldInfo) -> str:
    """The value as `.env` has it."""
    if value is None:
        return "" if is_free(field) else "off"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value, default=str)
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def is_free(field: FieldInfo) -> bool:
    """Whether any text is allowed, as for a key, a path or an address. If blank, it counts as not given."""
    return _kinds(field.annotation) <= {str, Path, SecretStr, NoneType} and not field.metadata
