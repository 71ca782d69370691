"""The image, the compose file and the proxy's configuration agree with each other, with the settings and with the
commands. No container engine is needed for this, and none has been used."""

import re
import shutil
import socket
import subprocess
import time
import tomllib
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from agent.settings import Settings
from api.commands.cli import app
from benchmarks.probes import answer_to
from benchmarks.server import KEY, serving

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
NGINX = (ROOT / "deploy" / "nginx.conf").read_text()
COMMANDS = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}


def directive(name: str) -> str:
    found = re.search(rf"^\s*{name} ([^;]+);", NGINX, re.MULTILINE)
    assert found, f"nginx.conf has no {name}"
    return found[1]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_held_as_tightly_as_it_can_be(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["mem_limit"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("user", "") != "root"
    assert "privileged" not in service
    assert not [volume for volume in service.get("volumes", ()) if "docker.sock" in volume]


def test_the_proxy_alone_is_published_and_the_database_reaches_nothing_else() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert SERVICES["database"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_every_service_but_the_passing_ones_has_a_health_check() -> None:
    port = re.search(r"\bPORT=(\d+)", DOCKERFILE)

    assert "HEALTHCHECK" in DOCKERFILE
    assert port
    assert SERVICES["worker"]["command"][-1] == port[1]
    for name, service in SERVICES.items():
        assert "build" in service or "test" in service["healthcheck"], name


def test_what_the_service_is_given_are_settings_and_secrets_come_as_files() -> None:
    fields = set(Settings.model_fields)
    for service in OURS.values():
        assert {name.lower() for name in service["environment"]} <= fields
        assert set(service["secrets"]) <= fields
        assert not [name for name in service["environment"] if "KEY" in name or "PASSWORD" in name]
    assert {secret for service in SERVICES.values() for secret in service.get("secrets", ())} == set(COMPOSE["secrets"])


def test_every_command_is_one_of_ours() -> None:
    assert {service["command"][0] for service in OURS.values() if "command" in service} <= COMMANDS
    assert re.search(r'^CMD \["(\w+)"\]', DOCKERFILE, re.MULTILINE)[1] in COMMANDS  # type: ignore[index]
    assert 'ENTRYPOINT ["restock"]' in DOCKERFILE


def test_the_schema_is_brought_up_to_date_before_anything_serves() -> None:
    assert SERVICES["migrate"]["command"] == ["migrate"]
    for name in ("restock", "worker"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert SERVICES[name]["environment"]["MIGRATE_AT_START"] == "false"


def test_the_image_is_not_root_s_and_holds_every_package() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]

    assert re.search(r"^USER \d+", DOCKERFILE, re.MULTILINE)
    for package in {name.split(".")[0] for name in packages}:
        assert f"COPY {package} {package}\n" in DOCKERFILE
        assert f"!{package}\n" in (ROOT / ".dockerignore").read_text()


def test_the_proxy_reaches_the_service_and_is_the_only_one_believed() -> None:
    upstream, port = re.search(r"server restock:(\d+);", NGINX), re.search(r"EXPOSE (\d+)", DOCKERFILE)
    networks = COMPOSE["networks"]["inside"]["ipam"]["config"]

    assert upstream
    assert port
    assert upstream[1] == port[1]
    assert SERVICES["restock"]["environment"]["TRUSTED_PROXIES"] == networks[0]["subnet"]
    assert ip_network(networks[0]["subnet"]).is_private


def test_the_proxy_s_limits_fit_those_of_the_service() -> None:
    settings = Settings.model_construct()

    assert directive("client_max_body_size") == "1m"
    assert 1_000_000 <= settings.max_body_bytes <= 2**20
    assert float(directive("proxy_read_timeout").removesuffix("s")) > settings.run_deadline_seconds


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real nginx with the configuration in the repository, but for addresses and shorter times, before a real
    server."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    folder = tmp_path_factory.mktemp("nginx")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving(folder, RATE_LIMIT_FAILED_KEYS="2/hour") as url:
        changed = NGINX.replace("restock:8000", urlsplit(url).netloc).replace("listen 8080", f"listen 127.0.0.1:{port}")
        changed = changed.replace("10s;", "1s;").replace("/tmp/", f"{folder}/")  # noqa: S108
        (folder / "nginx.conf").write_text(changed)
        command = [program, "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as nginx:
            try:
                _wait_for(port)
                yield f"http://127.0.0.1:{port}"
            finally:
                nginx.terminate()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx does not answer")


def test_a_request_gets_through_the_proxy(proxied: str) -> None:
    with httpx.Client(base_url=proxied, headers={"X-API-Key": KEY}, trust_env=False, timeout=30) as client:
        answer = client.post("/inventory-trigger", json={"product_id": "STEEL_SHEETS", "mode": "mock"})

    assert answer.json()["status"] == "executed"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "nginx/" not in answer.headers["server"]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\n", b"413"),
        (b"GET / HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * 40_000 + b"\r\n\r\n", b"400"),
        (b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{", b""),
        (b"GET / HTTP/1.1\r\nhost: ", b""),
    ],
    ids=["a large body", "a large header", "a slow body", "a slow header"],
)
def test_the_proxy_ends_what_is_too_large_or_too_slow(proxied: str, raw: bytes, status: bytes) -> None:
    began = time.monotonic()

    said = answer_to(proxied, raw)

    assert said[9:12] in (status, b"408")
    assert said or time.monotonic() - began < 2.9


def test_a_client_cannot_choose_the_address_that_it_is_counted_by(proxied: str) -> None:
    with httpx.Client(base_url=proxied, headers={"X-API-Key": "wrong"}, trust_env=False) as client:
        forged = [client.get("/orders", headers={"X-Forwarded-For": f"203.0.113.{each}"}) for each in range(4)]

    assert [answer.status_code for answer in forged] == [401, 401, 429, 429]
