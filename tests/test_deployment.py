"""The image, the compose file and the proxy's configuration agree with each other, with the settings and with the
commands. `make deployment` runs them; no container engine is needed for either, and none has been used."""

import re
import subprocess
import tomllib
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.settings import Settings
from api.commands.cli import app
from api.door.doorkeeper import MAX_BODY_BYTES

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PLACES = (ROOT / "docs" / "deploy.md").read_text()
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


def test_whatever_a_package_holds_beside_python_is_package_data() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    data = {path for name, globs in told["package-data"].items() for glob in globs for path in _of(name).glob(glob)}
    code = {path for name in told["packages"] for path in _of(name).glob("*.py")}
    listed = subprocess.run(["git", "ls-files", "agent", "api", "tools"], cwd=ROOT, capture_output=True, text=True)

    assert {ROOT / name for name in listed.stdout.split()} - data - code == set()


def _of(package: str) -> Path:
    return ROOT.joinpath(*package.split("."))


def test_the_proxy_reaches_the_service_and_is_the_only_one_believed() -> None:
    upstream, port = re.search(r"server restock:(\d+);", NGINX), re.search(r"EXPOSE (\d+)", DOCKERFILE)
    networks = COMPOSE["networks"]["inside"]["ipam"]["config"]

    assert upstream
    assert port
    assert upstream[1] == port[1]
    assert ip_address(SERVICES["restock"]["networks"]["inside"]["ipv4_address"]) in ip_network(networks[0]["subnet"])
    assert SERVICES["restock"]["environment"]["TRUSTED_PROXIES"] == networks[0]["subnet"]
    assert ip_network(networks[0]["subnet"]).is_private


def test_the_proxy_s_limits_fit_those_of_the_service() -> None:
    settings = Settings.model_construct()

    assert directive("client_max_body_size") == "1m"
    assert 1_000_000 <= MAX_BODY_BYTES <= 2**20
    assert float(directive("proxy_read_timeout").removesuffix("s")) > settings.run_deadline_seconds


def test_the_page_on_places_to_run_it_names_settings_commands_and_addresses_that_exist() -> None:
    named = set(re.findall(r"(?:^|[\s`,\"])([A-Z]+(?:_[A-Z]+)+)\b", PLACES))
    arguments = re.findall(r"args:? \[?\"?(\w+)|arguments? `(\w+)|command `\[\"(\w+)|`\[\"(\w+)", PLACES)

    assert {name.lower() for name in named} <= set(Settings.model_fields)
    assert {word for words in arguments for word in words if word} <= COMMANDS
    assert set(re.findall(r"/health/\w+", PLACES)) == {"/health/live", "/health/ready"}


def test_the_manifests_for_kubernetes_are_as_tight_as_the_compose_file() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PLACES, re.DOTALL)
    deployment, service = yaml.safe_load_all(text)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]

    assert deployment["spec"]["template"]["metadata"]["labels"] == service["spec"]["selector"]
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["args"][0] in COMMANDS
    assert {variable["name"].lower() for variable in container["env"]} <= set(Settings.model_fields)
    assert {each["containerPort"] for each in container["ports"]} == {each["port"] for each in service["spec"]["ports"]}
