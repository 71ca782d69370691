"""Writes `.env.example` from the settings class: `python -m scripts.env_example`. A test holds the two together."""

from collections.abc import Iterator
from pathlib import Path

from agent.setting_text import text_of
from agent.settings import GROUPS, Settings

TARGET = Path(__file__).parent.parent / ".env.example"
HEAD = """\
# Every setting with its default. None is needed for a first try.
# Copy this file to .env, take the # from the line that you change, and start again.
# The environment goes before this file, and the command line before both."""


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
        yield f"#{name.upper()}={text_of(field.default, field)}"


if __name__ == "__main__":
    TARGET.write_text(env_example(), encoding="utf-8")
    print(f"wrote {TARGET.name}")
