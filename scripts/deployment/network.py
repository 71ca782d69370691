"""The networks of compose.yaml: a bridge each, and a network namespace for each service.

Nothing here is joined to this machine's own network, so nothing reaches the outside.
"""

import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, ip_network
from itertools import count
from pathlib import Path

from scripts.deployment.compose import Project, Service

NAMESPACES = Path("/run/netns")


class Networks:
    """Addresses, and the hosts file that stands in for the engine's name server."""

    def __init__(self, project: Project, hosts: Path) -> None:
        self.hosts = hosts
        self.addresses: dict[str, dict[str, str]] = {}
        self._subnets = dict(_subnets(project))
        # No address is given out twice: a container that is made anew gets another one, unless its own is fixed.
        self._free = {name: iter(list(subnet.hosts())[99:]) for name, subnet in self._subnets.items()}
        self._ends = count()
        NAMESPACES.mkdir(parents=True, exist_ok=True)
        _do(f"mount -t tmpfs tmpfs {NAMESPACES}")
        _do("ip link set lo up")
        for name, subnet in self._subnets.items():
            _do(f"ip link add {name} type bridge", f"ip link set {name} up")
            if name == "published":  # the end that people reach
                _do(f"ip address add {subnet[1]}/{subnet.prefixlen} dev {name}")
        self._tell()

    def join(self, service: Service) -> None:
        """A new namespace for a service, as when its container is made."""
        if service.name in self.addresses:
            _do(f"ip netns delete {service.name}")
        _do(f"ip netns add {service.name}", f"ip -n {service.name} link set lo up")
        self.addresses[service.name] = {
            name: self._plug_in(service.name, name, fixed) for name, fixed in service.networks.items()
        }
        self._tell()

    def _plug_in(self, service: str, network: str, fixed: str | None) -> str:
        end, prefix = next(self._ends), self._subnets[network].prefixlen
        address = IPv4Address(fixed) if fixed else next(self._free[network])
        _do(
            f"ip link add here{end} type veth peer name {network} netns {service}",
            f"ip link set here{end} master {network} up",
            f"ip -n {service} address add {address}/{prefix} dev {network}",
            f"ip -n {service} link set {network} up",
        )
        return str(address)

    def _tell(self) -> None:
        lines = [f"{next(iter(each.values()))} {name}" for name, each in self.addresses.items()]
        self.hosts.write_text("\n".join(["127.0.0.1 localhost", *lines, ""]))


def _subnets(project: Project) -> Iterator[tuple[str, IPv4Network]]:
    for number, (name, said) in enumerate(project.networks.items()):
        stated = ((said or {}).get("ipam") or {}).get("config")
        yield name, IPv4Network(ip_network(stated[0]["subnet"] if stated else f"172.29.{number}.0/24"))


def _do(*commands: str) -> None:
    for command in commands:
        subprocess.run(command.split(), check=True)
