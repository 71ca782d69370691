"""The log in a terminal: a time and words. Elsewhere the same events are JSON lines."""

from datetime import datetime
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

_TOLD_OTHERWISE = frozenset({"model_left_out"})
"""Events that the greeting has said already."""
_FOR_MACHINES = ("request_id", "run_id", "logger")


def is_for_people(log_format: str, stream: TextIO) -> bool:
    """Whether this stream gets plain words: by setting, or because it is a terminal."""
    return log_format == "plain" or (log_format == "auto" and stream.isatty())


def plain_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    """The event in words. It is the last processor before redaction."""
    name, level = str(event.pop("event")), event.pop("level")
    if name in _TOLD_OTHERWISE:
        raise structlog.DropEvent
    time = datetime.fromisoformat(event.pop("timestamp")).astimezone()
    urgent = "" if level in ("debug", "info") else f"{level.capitalize()}: "
    said = f"{time:%H:%M:%S}  {urgent}{_words(name, event)}"
    return "".join(letter if letter.isprintable() else " " for letter in said)


def _words(name: str, event: EventDict) -> str:
    for hidden in _FOR_MACHINES:
        event.pop(hidden, None)
    if name == "request":
        return "{method} {route} {status} ({milliseconds} ms)".format(**event)
    reason = str(event.pop("reason", ""))
    if reason.endswith((".", "?")):
        return reason
    details = dict(event, reason=reason) if reason else dict(event)
    if frames := details.pop("frames", None):
        details["at"] = frames[-1]
    said = ", ".join(f"{key} {value}".replace("_", " ", key.count("_")) for key, value in details.items())
    return name.replace("_", " ").capitalize() + (f": {said}" if said else "")
