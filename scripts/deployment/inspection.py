"""Looks at running containers: their limits, networks, logs and memory."""

import json

import httpx

from scripts.deployment.container import Container
from scripts.deployment.engine import Engine
from scripts.deployment.report import Report

READ_ONLY = ("/", "/etc", "/opt", "/usr")
SCRATCH = "/tmp"  # noqa: S108  # the volume of compose.yaml
PORTS = (8000, 8080, 5432)
ASK_FOR_METRICS = """
import urllib.request
with open("/run/secrets/api_key") as file:
    asked = urllib.request.Request("http://127.0.0.1:8000/metrics", headers={"X-API-Key": file.read()})
print(urllib.request.urlopen(asked).read().decode())
"""


class Inspection:
    """What is seen from beside them."""

    def __init__(self, engine: Engine, secrets: dict[str, str], report: Report) -> None:
        self._engine, self._report = engine, report
        self._secrets = {name: secret for name, secret in secrets.items() if secret}

    def of_limits(self) -> None:
        self._report.title("Held as tightly as compose.yaml says")
        for container in self._lasting():
            name, user = container.service.name, container.status("Uid").split()[0]
            without = int(container.status("CapBnd"), 16) == 0 and container.status("NoNewPrivs") == "1"
            limits = "not root, no capabilities, no new privileges"
            self._report.check(f"{name}: {limits}", user != "0" and without, f"user {user}")
            kept = not any(_writes(container, place) for place in READ_ONLY) and _writes(container, SCRATCH)
            self._report.check(f"{name}: its root cannot be written, {SCRATCH} can", kept)
        restock = self._engine.containers["restock"]
        environment = restock.execute("cat", "/proc/1/environ").stdout
        self._report.check("no secret stands in the environment", "HOST=" in environment and not self._in(environment))
        test_tools = restock.execute("python", "-c", "import playwright")
        self._report.check("no browser and no test tools are in the image", "ModuleNotFound" in test_tools.stderr)

    def of_networks(self) -> None:
        self._report.title("Networks")
        addresses = self._engine.networks.addresses
        reached = [name for name, each in addresses.items() if any(map(_answers, each.values()))]
        self._report.check("from outside, the proxy alone is reached", reached == ["proxy"], ", ".join(reached))
        self._report.check("the database is on the inside network alone", list(addresses["database"]) == ["inside"])

    def of_logs(self) -> None:
        self._report.title("Logs, metrics and memory")
        for name in ("restock", "worker"):
            text = self._engine.containers[name].log.read_text()
            lines = [_event(line) for line in text.splitlines()]
            odd = [line for line, event in zip(text.splitlines(), lines, strict=True) if not event]
            self._report.check(f"{name} logs {len(lines)} lines, each of them JSON", lines and not odd, odd[:1] or "")
            errors = [event for event in lines if event.get("level", "info") not in ("info", "warning")]
            self._report.check(f"{name} logs no error", not errors, errors[:1] or "")
            self._report.check(f"{name} logs no secret", not self._in(text), self._in(text))

    def of_the_worker(self) -> None:
        figures = self._engine.containers["worker"].execute("python", "-c", ASK_FOR_METRICS).stdout
        self._report.check("the worker has metrics of its own", "orders_open" in figures)

    def of_memory(self) -> None:
        for container in self._lasting():
            name, limit = container.service.name, container.service.memory_bytes
            peak = container.peak_memory_bytes
            seen = f"at most {peak >> 20} of {limit >> 20} MiB"
            self._report.check(f"{name} stays below its mem_limit", peak < limit, seen)

    def _lasting(self) -> list[Container]:
        return [container for container in self._engine.containers.values() if container.service.restarts]

    def _in(self, text: str) -> str:
        return ", ".join(name for name, secret in self._secrets.items() if secret in text)


def _writes(container: Container, place: str) -> bool:
    file = f"{place.rstrip('/')}/written"
    return container.execute("sh", "-c", f"echo x >{file} && rm {file}").returncode == 0


def _answers(address: str) -> bool:
    return any(_speaks(f"http://{address}:{port}/health/live") for port in PORTS)


def _speaks(url: str) -> bool:
    """Whether anything takes a connection there, even if it speaks something else than HTTP."""
    try:
        httpx.get(url, timeout=0.5, trust_env=False)
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return False
    except httpx.HTTPError:
        return True
    return True


def _event(line: str) -> dict[str, str]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
