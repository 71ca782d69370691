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


def test_the_audit_trail_takes_the_option_of_all_lists(run: Any) -> None:
    run("keys", "create", "Anna", "--scope", "read")
    assert run("audit", "--json").stdout == run("audit").stdout != ""


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


def test_what_is_done_to_keys_and_orders_can_be_read_by_programs(run: Any) -> None:
    made = json.loads(run("keys", "create", "ERP", "--scope", "read", "--json").stdout)
    renewed = json.loads(run("keys", "rotate", made["id"], "--json").stdout)
    assert made["secret"] != renewed["secret"]
    assert json.loads(run("keys", "limit", made["id"], "--per-day", "50EUR", "--json").stdout)["limits"]
    assert json.loads(run("keys", "revoke", made["id"], "--json").stdout)["revoked_at"]
    assert json.loads(run("events", "replay", "--all", "--json").stdout) == {"tried_again": 0}
    assert set(json.loads(run("prune", "--json").stdout).values()) == {0}


def test_plans_of_a_file_can_be_read_by_programs(run: Any, tmp_path: Path) -> None:
    rows = "".join(
        f"A{n},2026-0{month}-{day:02},{n + day % 3}\n" for n in (1, 2) for month in (1, 2) for day in range(1, 28)
    )
    (tmp_path / "sales.csv").write_text(f"sku,date,quantity\n{rows}")
    plans = list(map(json.loads, run("scan", "sales.csv", "--json").stdout.splitlines()))
    assert [plan["product_id"] for plan in plans] == ["A2", "A1"]
    assert plans[0]["order_quantity"] > plans[1]["order_quantity"] > 0
