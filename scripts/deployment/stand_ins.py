"""Debian's own programs in place of the images that compose.yaml takes from elsewhere."""

import subprocess
from pathlib import Path

from scripts.deployment.container import Image
from scripts.deployment.debian import PATH, CannotBuild, copy_of, install
from scripts.deployment.dockerfile import Configuration

PACKAGES = {"postgres": ("postgresql",), "nginx": ("nginx-light", "wget")}
VERSIONS = {"postgres": "/usr/lib/postgresql/*/bin/postgres --version", "nginx": "/usr/sbin/nginx -v 2>&1"}
STOP_SIGNALS = {"postgres": "SIGINT", "nginx": "SIGQUIT"}
"""As the official images have them: a fast shutdown, a graceful one."""
START_POSTGRES = r"""
set -eu
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
export PGDATA=/var/lib/postgresql/data
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --encoding=UTF8 --locale=C.UTF-8 \
    --auth-local=trust --auth-host=scram-sha-256 >/dev/null
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  echo "CREATE DATABASE \"$POSTGRES_USER\"" | postgres --single -j template1 >/dev/null
fi
exec postgres -c listen_addresses='*'
"""
"""What the entry of the official image does with the same variables."""


def make_stand_in(name: str, base: Path, target: Path) -> str:
    """A root with Debian's program in it; returns its version."""
    root = copy_of(base, target)
    install(root, *PACKAGES[name])
    if name == "nginx":  # the official image has a user of this name
        subprocess.run(["useradd", "--root", str(root), "--system", "nginx"], check=True)
    said = subprocess.run(
        ["chroot", str(root), "sh", "-c", VERSIONS[name]], capture_output=True, text=True, check=False
    )
    if said.returncode:
        raise CannotBuild(f"{name} does not say its version: {said.stderr}")
    return said.stdout.strip()


def stand_in(name: str, root: Path) -> Image:
    """How its image would be run."""
    start = ["sh", "-c", START_POSTGRES] if name == "postgres" else []
    return Image(root, Configuration({"PATH": PATH}, command=start, stop_signal=STOP_SIGNALS[name]))
