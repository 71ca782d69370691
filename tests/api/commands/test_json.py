"""Commands that list something print it as JSON too, one entry a line."""

import json
from typing import Any


def test_keys_and_the_switch_can_be_read_by_programs(run: Any) -> None:
    run("keys", "create", "Anna", "--scope", "read")
    [key] = map(json.loads, run("keys", "list", "--json").stdout.splitlines())
    assert (key["name"], key["scopes"]) == ("Anna", ["read"])
    assert json.loads(run("automatic", "on", "--supplier", "S01", "--json").stdout) == {
        "on": False,
        "suppliers": {"S01": True},
    }
    assert run("events", "dead", "--json").stdout == ""
