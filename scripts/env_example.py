"""Writes `.env.example` from the settings class: `python -m scripts.env_example`. A test holds the two together."""

import json
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from agent.settings import Settings

TARGET = Path(__file__).parent.parent / ".env.example"
HEAD = "# Every setting with its default. Copy this file to .env and uncomment what you change."


def env_example() -> str:
    return "\n".join([HEAD, *(_line(name, field) for name, field in Settings.model_fields.items())]) + "\n"


def _line(name: str, field: FieldInfo) -> str:
    meaning = " ".join((field.description or "").split())
    if not meaning:
        raise ValueError(f"Setting {name} has no explanation; write a docstring below it in agent/settings.py.")
    return f"#{name.upper()}={_shown(field.default)}  # {meaning}"


def _shown(value: object) -> str:
    if value is None or isinstance(value, SecretStr):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value, default=str)
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


if __name__ == "__main__":
    TARGET.write_text(env_example(), encoding="utf-8")
    print(f"wrote {TARGET.name}")
