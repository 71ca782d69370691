"""Writes `.env.example` from the settings class: `python -m scripts.env_example`. A test holds the two together."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo

from agent.setting_text import is_free
from agent.settings import Settings

TARGET = Path(__file__).parent.parent / ".env.example"
HEAD = """\
# Every setting with its default. None is needed for a first try.
# Copy this file to .env, take the # from the line that you change, and start again.
# The environment goes before this file, and the command line before both."""
GROUPS = {
    "api_key": "For the first run",
    "primary_model": "Models",
    "confidence_threshold": "Orders and limits",
    "checkpoint_path": "Database",
    "public_url": "Operations",
}
"""Each group's first setting, and its heading."""


def env_example() -> str:
    return "\n".join([HEAD, *_lines()]) + "\n"


def _lines() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if name in GROUPS:
            yield f"\n# === {GROUPS[name]} ==="
        meaning = " ".join((field.description or "").split())
        if not meaning:
            raise ValueError(f"Setting {name} has no explanation; write a docstring below it in agent/settings.py.")
        yield f"# {meaning}"
        yield f"#{name.upper()}={_shown(field)}"


def _shown(field: FieldInfo) -> str:
    value = field.default
    if value is None:
        return "" if is_free(field) else "off"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value, default=str)
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


if __name__ == "__main__":
    TARGET.write_text(env_example(), encoding="utf-8")
    print(f"wrote {TARGET.name}")
