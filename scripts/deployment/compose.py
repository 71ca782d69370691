"""Reads compose.yaml: what of it the trial carries out."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}
KNOWN = {
    *("build", "image", "user", "command", "environment", "secrets", "volumes", "tmpfs", "healthcheck", "depends_on"),
    *("read_only", "cap_drop", "security_opt", "restart", "mem_limit", "networks", "stop_grace_period", "ports"),
}
"""What a service may say. Anything else would be left undone in silence."""


@dataclass(frozen=True)
class Service:
    """One service of the file."""

    name: str
    said: dict[str, Any]

    @property
    def image(self) -> str:
        return str(self.said["image"])

    @property
    def command(self) -> list[str] | None:
        return self.said.get("command")

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.said.get("environment", {}))

    @property
    def networks(self) -> dict[str, str | None]:
        """Each network with the address that is fixed there, if one is."""
        said = self.said["networks"]
        if isinstance(said, list):
            return dict.fromkeys(said)
        return {name: (each or {}).get("ipv4_address") for name, each in said.items()}

    @property
    def health(self) -> list[str] | None:
        """The command that tells its health; None if the image's own does."""
        test = self.said.get("healthcheck", {}).get("test")
        return test and test[1:]

    @property
    def memory_bytes(self) -> int:
        limit = str(self.said["mem_limit"])
        return int(limit[:-1]) * _UNITS[limit[-1]]

    @property
    def grace_seconds(self) -> float:
        return float(str(self.said.get("stop_grace_period", "10s")).removesuffix("s"))

    @property
    def restarts(self) -> bool:
        return bool(self.said["restart"] == "unless-stopped")


@dataclass(frozen=True)
class Project:
    """The whole file."""

    folder: Path
    services: dict[str, Service]
    networks: dict[str, Any]
    secrets: dict[str, str]


def read_compose(folder: Path, variables: Mapping[str, str] = os.environ) -> Project:
    """The project of a folder, with variables filled in. Raises ValueError if a service says what is not known."""
    text = _VARIABLE.sub(
        lambda found: variables.get(found[1]) or found[2], (folder / "compose.yaml").read_text(encoding="utf-8")
    )
    said = yaml.safe_load(text)
    for name, service in said["services"].items():
        if unknown := set(service) - KNOWN:
            raise ValueError(f"compose.yaml: {name} has {', '.join(sorted(unknown))}; scripts/deployment ignores that")
    return Project(
        folder,
        {name: Service(name, service) for name, service in said["services"].items()},
        said["networks"],
        {name: secret["file"] for name, secret in said["secrets"].items()},
    )


def make_secrets(compose: Path, folder: Path) -> None:
    """Carry out the commands that the head of the file gives for its secrets."""
    lines = compose.read_text(encoding="utf-8").splitlines()
    commands = [line.removeprefix("#").strip() for line in lines if line.startswith("#   ")]
    commands = [command for command in commands if not command.startswith("docker ")]
    subprocess.run(["bash", "-euc", "\n".join(commands)], cwd=folder, check=True)
