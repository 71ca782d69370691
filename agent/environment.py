"""Reads the settings, and refuses what would be ignored in silence: a misspelt name, a broken line.

Each fault is a sentence. None shows a value, because it may be a secret.
"""

import logging
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from dotenv.parser import Binding, parse_stream
from pydantic import ValidationError
from pydantic_settings import SettingsError

from agent.settings import Settings

FILE = Path(".env")
SECRETS = Path("/run/secrets")
"""Folder of secret files in a container, named like the settings."""
_OTHERS = re.compile(r"(LANGSMITH|OTEL|OPENINFERENCE|COMPOSE)_")
_KEY_NAMES = {"google_genai": "GEMINI", "mistralai": "MISTRAL", "perplexity": "PPLX"}
"""Providers whose keys have other names than LangChain's."""
_NAME = re.compile(r"[A-Z]+(_[A-Z0-9]+)*")
_NEAR = 2
_SHORT = 5
"""Shorter names have ordinary words near them, such as HOSTS near HOST."""
_USUAL = frozenset({"AES_KEY", "APP_KEY", "AWS_KEY", "DATABASE_SSL", "GPG_KEY", "GROK_API_KEY"})
"""Variables of other programs whose names are near one of ours."""
_WORDS = {
    "bool_parsing": "should be true or false",
    "decimal_parsing": "should be a number",
    "float_parsing": "should be a number",
    "int_parsing": "should be a whole number",
    "model_type": "should be an object, as {...}",
    "tuple_type": "should be a list, as [...]",
    "string_pattern_mismatch": "is not written as it should be",
}


class BadSettings(Exception):
    """Settings that cannot be meant like this. `faults` has a sentence for each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def read_settings(others: Collection[str] = (), /, **given: Any) -> Settings:
    """The settings of this process. `given` comes first, then the environment, `.env` and secret files. `others` are
    variables of the program that this one runs in. Raises BadSettings with everything that is wrong."""
    lines = _lines()
    names = {name.upper() for name in Settings.model_fields}
    faults = [
        *_line_faults(lines, names | _keys_of_the_chain(lines)),
        *_process_faults(os.environ.keys() - set(others), names),
    ]
    logging.getLogger("dotenv").setLevel(logging.ERROR)  # it warns of lines that are faults here
    try:
        settings = Settings(_env_file=FILE, _secrets_dir=SECRETS if SECRETS.is_dir() else None, **given)
    except (OSError, SettingsError) as error:
        raise BadSettings([*faults, _unread_secret(error)]) from None
    except ValidationError as error:
        raise BadSettings([*faults, *_value_faults(error)]) from None
    if faults:
        raise BadSettings(faults)
    _hand_on(line for line in lines if line.key and line.key.upper() not in names)
    return settings


def _lines() -> list[Binding]:
    try:
        with FILE.open(encoding="utf-8") as file:
            return list(parse_stream(file))
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings([f".env cannot be read ({type(error).__name__}); make it a text file in UTF-8."]) from None


def _unread_secret(error: OSError | SettingsError) -> str:
    cause = error if isinstance(error, OSError) else error.__cause__
    if not isinstance(cause, OSError):
        raise error
    return f"{cause.filename} cannot be read by user {os.geteuid()}; let it be read, as by chmod a+r."


def _hand_on(lines: Iterable[Binding]) -> None:
    """Copy variables of providers and LangSmith from `.env` to the process, where they are read."""
    for line in lines:
        os.environ.setdefault(str(line.key), line.value or "")


def _keys_of_the_chain(lines: Iterable[Binding]) -> set[str]:
    """Names of the keys that the chain's providers read, such as `OPENAI_API_KEY` for `openai:gpt-5`."""
    written = {line.key.upper(): line.value or "" for line in lines if line.key} | dict(os.environ)
    models = ",".join(written.get(name, "") for name in ("PRIMARY_MODEL", "FALLBACK_MODELS"))
    providers = {model.partition(":")[0].strip("[\"' ") for model in models.split(",") if ":" in model}
    return {f"{_KEY_NAMES.get(provider, provider.upper())}_API_KEY" for provider in providers}


def _value_faults(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        name, *inside = map(str, fault["loc"])
        place = name.upper() + (f" ({'.'.join(inside)})" if inside else "")
        words = _WORDS.get(fault["type"]) or fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
        yield f"{place} {words}."


def _line_faults(lines: Iterable[Binding], known: Collection[str]) -> Iterator[str]:
    first: dict[str, int] = {}
    for line in lines:
        number = line.original.line + _leading_breaks(line.original.string)
        if line.error or (line.key and line.value is None):
            yield f"Line {number} of .env cannot be read; write NAME=value and close every quote."
        elif line.key and not (line.key.upper() in known or _OTHERS.match(line.key)):
            yield _unknown(line.key, number, known)
        elif line.key and first.setdefault(line.key.upper(), number) != number:
            yield f"{line.key} stands twice in .env, in lines {first[line.key.upper()]} and {number}; keep one."


def _leading_breaks(text: str) -> int:
    return text[: len(text) - len(text.lstrip())].count("\n")


def _unknown(name: str, number: int, known: Collection[str]) -> str:
    """The fault of an unknown line. Text that is no name is not shown, because it may be part of a secret."""
    shown = name if _NAME.fullmatch(name) else f"Line {number}"
    return f"{shown} in .env is no setting; did you mean {_nearest(name, known)}?"


def _nearest(name: str, known: Iterable[str]) -> str:
    return min(sorted(known), key=lambda each: letters_between(name.upper(), each))


def _process_faults(names: Collection[str], settings: Collection[str]) -> Iterator[str]:
    if "GEMINI_BASE_URL" in names:  # it was a setting: prompts and the key would go to Google instead of a gateway
        yield "GEMINI_BASE_URL in the environment is no setting; did you mean MODEL_BASE_URLS?"
    for name in sorted(names):
        if name.upper() not in settings and name.upper() not in _USUAL:
            near = [setting for setting in settings if _is_near(name.upper(), setting)]
            if near:
                yield f"{name} in the environment is no setting; did you mean {_nearest(name, near)}?"


def _is_near(name: str, setting: str) -> bool:
    """Whether the names are near each other. Lengths and letters are compared first, which is quick."""
    lengths, letters = abs(len(name) - len(setting)), len(set(name) ^ set(setting))
    if len(setting) <= _SHORT or lengths > _NEAR or letters > 2 * _NEAR:
        return False
    return letters_between(name, setting) <= _NEAR


def letters_between(one: str, other: str) -> int:
    """The Damerau–Levenshtein distance: letters added, left out, changed or swapped.

    >>> letters_between("PROT", "PORT"), letters_between("PORTS", "PORT"), letters_between("HOST", "PORT")
    (1, 1, 2)
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one):
        earlier, before, row = before, row, [i + 1]
        for j, its in enumerate(other):
            row.append(min(before[j + 1] + 1, row[j] + 1, before[j] + (letter != its)))
            if i and j and letter == other[j - 1] and its == one[i - 1]:
                row[-1] = min(row[-1], earlier[j - 1] + 1)
    return row[-1]
