"""Runs the graph under LangGraph Studio's server, as `make studio`: a chat, a decision, and the schemas.

The server wants an older structlog than the service is locked to, so it gets a virtual environment of its own, in
--folder or in one that is removed. All else is as requirements.lock says. Where it cannot be installed, the reason is
said and nothing fails.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.server import free_port

ROOT = Path(__file__).parents[1]
SERVER = ("langgraph-cli[inmem]==0.4.40", "langgraph-api==0.16.7", "langgraph-runtime-inmem==0.36.7")
PINNED = re.compile(r"^[\w.-]+==[^\\]+", re.MULTILINE)
NOT_PINNED = "structlog=="
PARTS = ("langgraph.json", "agent", "tools")
START_SECONDS = 180
CHAT = {"messages": [{"role": "user", "content": "How much STEEL_SHEETS do we have?"}]}
DECISION = {"product_id": "STEEL_SHEETS", "mode": "mock"}


class CannotInstall(Exception):
    """What the package index or the machine lacks."""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", type=Path, help="Where the environment is kept for the next time.")
    kept = options.parse_args().folder
    with tempfile.TemporaryDirectory(prefix="restock-studio-") as made:
        try:
            programs = _installed((kept or Path(made) / "venv").resolve())
        except CannotInstall as reason:
            print(f"Skipped: LangGraph's server cannot be installed. {reason}")
            return 0
        with _served(programs, Path(made)) as client:
            faults = list(_faults(client))
    print(*faults or ["LangGraph's server answers a chat, tries out a decision and shows its schemas."], sep="\n")
    return 1 if faults else 0


def _installed(folder: Path) -> Path:
    """The programs of the environment. uv resolves in seconds what pip searches for in many minutes."""
    programs = folder / "bin"
    if not (programs / "langgraph").exists():
        venv.create(folder, with_pip=True)
        _run(programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv")
        pins = folder / "constraints.txt"
        pins.write_text("\n".join(_pins()))
        needed = ("--requirement", ROOT / "pyproject.toml", *SERVER, "--constraint", pins)
        _run(programs / "uv", "pip", "install", "--quiet", "--python", programs / "python", *needed)
    return programs


def _pins() -> Iterator[str]:
    for pin in PINNED.findall((ROOT / "requirements.lock").read_text(encoding="utf-8")):
        if not pin.startswith(NOT_PINNED):
            yield pin.strip()


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotInstall(done.stderr.strip()[-1_000:])


@contextmanager
def _served(programs: Path, folder: Path) -> Iterator[httpx.Client]:
    """The server on the sample catalogue and a database of its own, without leave to block."""
    for part in PARTS:
        (folder / part).symlink_to(ROOT / part)
    port = free_port()
    command = [programs / "langgraph", "dev", "--no-browser", "--no-reload", "--port", str(port)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    log = folder / "server.log"
    with log.open("w") as written:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=written, stderr=written)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=180) as client:
            _wait(client, process, log)
            yield client
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:  # how fast it stops is its own affair
            process.kill()


def _wait(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            client.get("/ok").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit(f"LangGraph's server does not start:\n{log.read_text(errors='replace')[-3_000:]}")


def _faults(client: httpx.Client) -> Iterator[str]:
    (assistant,) = client.post("/assistants/search", json={}).raise_for_status().json()
    schemas = client.get(f"/assistants/{assistant['assistant_id']}/schemas").raise_for_status().json()
    for name in ("input_schema", "output_schema", "state_schema", "context_schema"):
        if not schemas.get(name):
            yield f"{name} is {schemas.get(name)}"
    said = _answered(client, CHAT)
    if "150" not in str(said.get("messages", [{}])[-1].get("content")):
        yield f"The chat does not tell the stock: {str(said)[-500:]}"
    decided = _answered(client, DECISION)
    if decided.get("proposal", {}).get("quantity") != 1_200:
        yield f"The decision proposes something else: {str(decided)[-500:]}"


def _answered(client: httpx.Client, question: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/runs/wait", json={"assistant_id": "restock", "input": question})
    said: dict[str, Any] = answer.raise_for_status().json()
    return said


if __name__ == "__main__":
    sys.exit(main())
