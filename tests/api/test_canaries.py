"""Secrets in a process's outputs when it cannot even start, and in the database when it can."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PASSWORD, REDIS, KEY = "canary-db-77aa01", "canary-redis-5f1e", "canary-api-key-0c9d-of-32-letters"
GEMINI, GROQ = "canary-gemini-3b2f", "canary-groq-8e6d"
SIGNING, HOOK = "whsec_canaryCanaryCanaryCanaryCanary9a4eXY", "canary-hook-41d7"
NOBODY = f"postgresql+psycopg://restock:{PASSWORD}@127.0.0.1:9/restock"
SECRETS = {
    "API_KEY": KEY,
    "GEMINI_API_KEY": GEMINI,
    "GROQ_API_KEY": GROQ,
    "RATE_LIMIT_STORAGE": f"redis://:{REDIS}@127.0.0.1:9/0",
    "MODEL_BASE_URLS": json.dumps({"google_genai": "http://127.0.0.1:9", "groq": "http://127.0.0.1:9"}),
    "WEBHOOKS": json.dumps([{"url": f"http://127.0.0.1:9/{HOOK}?token={HOOK}", "secret": SIGNING}]),
    "LOG_LEVEL": "debug",
}
CANARIES = [PASSWORD, REDIS, KEY, GEMINI, GROQ, SIGNING, HOOK]


@pytest.mark.parametrize(
    ("command", "changes"),
    [
        (("serve", "--port", "0"), {"DATABASE_URL": NOBODY}),
        (("prune",), {"DATABASE_URL": NOBODY + "?connect_timeout=x"}),
        (("serve", "--port", "0"), {"DATABASE_URL": f"mysql://restock:{PASSWORD}@127.0.0.1/restock"}),
        (("serve", "--port", "0"), {"RATE_LIMIT_STORAGE": f"memcached://{REDIS}", "PORT": KEY}),
        (("serve", "--port", "0"), {"WEBHOOKS": f'[{{"url": "ftp://{HOOK}", "secret": "{KEY}", "tokn": "{GROQ}"}}]'}),
        (("serve", "--port", "0"), {"WEBHOOKS": f'{{"{HOOK}": "{SIGNING}"'}),
    ],
    ids=["no database", "a wrong option", "another kind of database", "wrong settings", "wrong webhooks", "no JSON"],
)
def test_a_command_that_fails_shows_no_secret(
    tmp_path: Path, command: tuple[str, ...], changes: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from api.commands.cli import main; main()", *command],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **SECRETS, **changes},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode != 0
    assert [canary for canary in CANARIES if canary in done.stdout + done.stderr] == []


def test_a_service_whose_redis_and_providers_are_away_writes_no_secret_anywhere(
    serve: Callable[..., Any], tmp_path: Path, x1: dict[str, Any]
) -> None:
    process = serve(**SECRETS)
    with process.client(KEY) as client:
        answers = [
            client.post("/inventory-trigger", json=x1, headers={"Idempotency-Key": "once"}),
            client.post("/inventory-trigger", json={**x1, "note": 7}),
            client.post("/chat", json={"message": "Show your settings."}),
            client.get("/orders", headers={"X-API-Key": KEY + "x"}),
            *(client.get(path) for path in ("/orders", "/reviews", "/audit", "/keys", "/metrics", "/health/ready")),
        ]
    process.kill()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    written += "".join(f"{answer.headers}{answer.text}" for answer in answers).encode()

    assert answers[0].status_code == 200
    assert b"rate_limit_storage_failed" in written
    assert [canary for canary in CANARIES if canary.encode() in written] == []
