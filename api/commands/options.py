"""Options that several commands share stand together in a dataclass."""

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Any


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command for Typer: a parameter whose type is a dataclass becomes an option for each of its fields."""
    own, options, groups = [], [], dict[str, Any]()
    for each in inspect.signature(command).parameters.values():
        if is_dataclass(each.annotation):
            groups[each.name] = each.annotation
            for field in fields(each.annotation):
                option = inspect.Parameter(field.name, each.KEYWORD_ONLY, default=field.default, annotation=field.type)
                options.append(option)
        else:
            own.append(each.replace(kind=each.KEYWORD_ONLY))

    @wraps(command)
    def with_fields(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    with_fields.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]  # PEP 362: Typer reads it
    return with_fields
