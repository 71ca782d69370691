"""Commands that list something print it as JSON too, one entry a line."""

import json
from pathlib import Path
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


def test_the_settings_and_a_backup_can_be_read_by_programs(run: Any, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("sku,date,quantity\nA1,2026-01-05,3\nA1,2026-01-06,4\n")
    run("import", "sales.csv", "--yes")
    settings = json.loads(run("catalogue", "--currency", "EUR", "--closed", "MAIN=sun,2026-12-25", "--json").stdout)
    assert (settings["currency"], settings["default_location"]) == ("EUR", "MAIN")
    assert (settings["locations"]["MAIN"]["closed_weekdays"], settings["locations"]["MAIN"]["demand_through"]) == (
        [6],
        "2026-01-06",
    )
    copied = json.loads(run("backup", "copy.db", "--json").stdout)
    assert copied == {
        "source": f"{tmp_path}/b.db",
        "copy": "copy.db",
        "bytes": (tmp_path / "copy.db").stat().st_size,
    }
    refused = run("backup", "copy.db", "--json")
    assert (refused.exit_code, refused.stdout, "is there already" in refused.stderr) == (2, "", True)
