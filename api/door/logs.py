"""One line for each event, with the request it belongs to.

Logs go to standard error and hold no secrets: headers, queries and bodies are never logged, errors are logged without
values, and the finished line is searched for keys once more.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO, cast

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import StatementError
from structlog.typing import EventDict, Processor, WrappedLogger

from api.door.plain_lines import is_for_people, plain_line

REDACTED = "[redacted]"
_OWN_KEY = re.compile(r"rsk_[A-Za-z0-9_-]{7,}|whsec_[A-Za-z0-9+/=_-]{7,}")
_OF_A_START = ("Started server process", "Waiting for application startup", "Traceback", "Application startup failed")
_FRAMES = 20
_LEAST_SECRET = 8


class _StandardError:
    """Standard error as it is when a line is written: whoever runs a command in its own process may put another there
    and take it away."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure_logging(
    level: str,
    *,
    log_format: str = "json",
    secrets: Sequence[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Route structlog's events and the standard library's records (uvicorn's among them) to `stream`, as JSON lines or
    in plain words."""
    number, plain = logging.getLevelNamesMapping()[level.upper()], is_for_people(log_format, stream or sys.stderr)
    stream = stream or cast("TextIO", _StandardError())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _fault_without_values,
    ]
    rendering: list[Processor] = [
        plain_line if plain else structlog.processors.JSONRenderer(ensure_ascii=False),
        _Redaction(secrets),
    ]
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder(allow=())],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    logging.getLogger("uvicorn").setLevel(max(number, logging.WARNING) if plain else number)
    logging.getLogger("uvicorn.error").addFilter(_is_about_no_start)


def _is_about_no_start(record: logging.LogRecord) -> bool:
    """Drop what uvicorn says of a start that may fail, its traceback included, which holds folders and values."""
    return not record.getMessage().startswith(_OF_A_START)


def _fault_without_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """An exception as its kind, words and frames, without locals. Errors of validation and of databases also lose their
    words, which hold values."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["error_message"] = _words(error)
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        event["frames"] = [f"{_module(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _module(filename: str) -> str:
    """The file without the folders that it is installed in."""
    return "/".join(Path(filename).parts[-3:]).removeprefix("site-packages/")


def _words(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        places = ", ".join(".".join(map(str, each["loc"])) for each in error.errors(include_input=False)[:10])
        return f"{error.error_count()} invalid: {places}"
    if isinstance(error, StatementError):
        return type(error.orig).__name__
    return str(error)[:500]


class _Redaction:
    """Replaces known secrets, plain or as JSON writes them, and anything with the form of our keys.

    A secret of a few letters is left, because ordinary words would hold it too.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        forms = {
            form for secret in secrets if len(secret) >= _LEAST_SECRET for form in (secret, json.dumps(secret)[1:-1])
        }
        patterns = [re.escape(form) for form in sorted(forms, key=len, reverse=True)]
        self._pattern = re.compile("|".join([*patterns, _OWN_KEY.pattern]))

    def __call__(self, _: WrappedLogger, __: str, line: EventDict) -> str:
        return self._pattern.sub(REDACTED, str(line))
