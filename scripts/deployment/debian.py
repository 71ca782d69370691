"""Debian roots from this machine's own package sources, and how pip reaches this machine's own index."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.deployment.jail import Jail, Mount

BASE = ("ca-certificates", "netbase", "tzdata", "python3", "python3-venv", "python-is-python3")
"""What stands in for the image python:…-slim, which is a Debian with Python."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_APT = ("/etc/apt", "/usr/share/keyrings")
_LISTS = "/var/lib/apt/lists"
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class CannotBuild(Exception):
    """What this machine lacks, or the step that failed."""


def make_base(target: Path) -> None:
    """A Debian of this machine's release with Python in it."""
    if os.geteuid() != 0:
        raise CannotBuild("This needs root: it mounts, changes roots and makes network namespaces.")
    if shutil.which("debootstrap") is None:
        _quietly(["apt-get", "install", "--yes", "--no-install-recommends", "debootstrap"])
    release, mirror = _release_and_mirror()
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    _quietly(["debootstrap", "--variant=minbase", f"--include={','.join(BASE)}", release, str(partial), mirror])
    partial.rename(target)


def copy_of(root: Path, target: Path) -> Path:
    """A root of its own, as a layer over an image is."""
    subprocess.run(["cp", "--archive", "--reflink=auto", str(root), str(target)], check=True)
    return target


def install(root: Path, *packages: str) -> None:
    """Install Debian packages in a root, without starting anything."""
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    for folder in _APT:  # copied, because packages write there
        shutil.copytree(folder, root / folder[1:], symlinks=True, dirs_exist_ok=True)
    mounts = [Mount(_LISTS, Path(_LISTS), read_only=True), *_resolver()]
    jail = Jail(root, {"PATH": PATH, "DEBIAN_FRONTEND": "noninteractive"}, mounts=mounts)
    _quietly(jail.starting(["apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", *packages]))


def pip_access() -> tuple[dict[str, str], list[Mount]]:
    """Variables and mounts by which pip in a root finds what pip finds here. They are for the build alone."""
    told = {name: value for name, value in os.environ.items() if name in _PROXIES} | _pip_settings()
    paths = dict.fromkeys(path for value in told.values() for path in _paths(value))
    return told, [*(Mount(str(path), path, read_only=True) for path in paths), *_resolver()]


def _pip_settings() -> dict[str, str]:
    """pip's own configuration as variables: `global.extra-index-url='a b'` is PIP_EXTRA_INDEX_URL=a b."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    found = re.findall(r"^(?:global|install|:env:)\.([a-z-]+)=(.*)$", listed.stdout, re.MULTILINE)
    return {f"PIP_{name.replace('-', '_').upper()}": _unquoted(value) for name, value in found}


def _unquoted(value: str) -> str:
    return " ".join(shlex.split(value)).replace("\\n", " ")


def _paths(value: str) -> Iterator[Path]:
    """The folders and files of this machine that a setting names. An index lies beside the files that it lists."""
    for word in value.split():
        path = Path(word.removeprefix("file://"))
        if path.is_absolute() and path.exists():
            yield path.parent if path.name == "simple" else path


def _resolver() -> list[Mount]:
    return [Mount("/etc/resolv.conf", Path("/etc/resolv.conf").resolve(), read_only=True)]


def _release_and_mirror() -> tuple[str, str]:
    """This machine's Debian release, and where apt finds it."""
    system = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    release = system.get("VERSION_CODENAME", "").strip('"')
    wanted = ["Created-By: Packages", "Origin: Debian", f"Codename: {release}", "Component: main"]
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted], capture_output=True, text=True, check=True
    )
    if system.get("ID") != "debian" or not targets.stdout.split():
        raise CannotBuild("This needs a Debian machine whose apt sources name its release; run `apt-get update` once.")
    return release, targets.stdout.split()[0]


def _quietly(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise CannotBuild(f"`{command[0]}` ended with {done.returncode}:\n{last}")
