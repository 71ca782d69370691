"""Commands inside another root, in mount and process namespaces of their own."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
SHARED_MEMORY = "/dev/shm"  # noqa: S108  # 64 MiB, as container engines have it


@dataclass(frozen=True)
class Mount:
    """A file or folder of this machine inside the root; without a source, a folder in memory."""

    target: str
    source: Path | None = None
    read_only: bool = False

    def prepare(self, root: Path) -> None:
        """Make the place where it is mounted, as a container engine does."""
        place = inside(root, self.target)
        if self.source is not None and not self.source.is_dir():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        else:
            place.mkdir(parents=True, exist_ok=True)

    def lines(self, root: Path) -> list[str]:
        place = shlex.quote(str(inside(root, self.target)))
        if self.source is None:
            return [f"mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs {place}"]
        bound = [f"mount --bind {shlex.quote(str(self.source))} {place}"]
        return [*bound, f"mount -o remount,bind,ro {place}"] if self.read_only else bound


@dataclass(frozen=True)
class Jail:
    """A root and how commands run there. Without a user they are root's, as in a build."""

    root: Path
    environment: Mapping[str, str]
    workdir: str = "/"
    user: str | None = None
    mounts: Sequence[Mount] = ()
    read_only: bool = False
    namespace: Sequence[str] = field(default=())
    """What comes before: `ip netns exec NAME`."""

    def starting(self, command: Sequence[str]) -> list[str]:
        """The words that start a command as process 1 of a new jail. What it says goes to standard output alone."""
        for mount in self.mounts:
            mount.prepare(self.root)
        chroot = f"exec chroot {shlex.quote(str(self.root))} {self._run(command)} 2>&1"
        script = "\n".join(["set -e", *self._lines(), chroot])
        unshare = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--"]
        return [*self.namespace, *unshare, "bash", "-c", script]

    def joining(self, process: int, command: Sequence[str]) -> list[str]:
        """The words that run a command beside process 1, as `docker exec` does."""
        enter = ["nsenter", f"--target={process}", "--mount", "--pid", "--ipc", "--uts", "--net", "--root", "--wd"]
        return [*enter, "--", *shlex.split(self._run(command))]

    def _lines(self) -> list[str]:
        root = shlex.quote(str(self.root))
        devices = [f"touch {root}/dev/{each}; mount --bind /dev/{each} {root}/dev/{each}" for each in DEVICES]
        links = [f"ln -s /proc/self/fd{each} {root}/dev/{name}" for name, each in _LINKS.items()]
        return [
            f"mount --bind {root} {root}",
            f"mount -t proc -o nosuid,nodev,noexec proc {root}/proc",
            f"mount -t tmpfs -o mode=755,nosuid dev {root}/dev",
            *devices,
            *links,
            f"mkdir {root}{SHARED_MEMORY}; mount -t tmpfs -o mode=1777,size=64m shm {root}{SHARED_MEMORY}",
            *(line for mount in self.mounts for line in mount.lines(self.root)),
            *([f"mount -o remount,bind,ro {root}"] if self.read_only else []),
        ]

    def _run(self, command: Sequence[str]) -> str:
        values = [f"{name}={value}" for name, value in self.environment.items()]
        return shlex.join(["/usr/bin/env", "-i", f"--chdir={self.workdir}", *values, *self._as_user(), *command])

    def _as_user(self) -> list[str]:
        if self.user is None:
            return []
        user, group, _ = account(self.root, self.user)
        without = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
        return ["setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups", *without, "--"]


_LINKS = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}


def inside(root: Path, target: str) -> Path:
    """Where a path of the root is on this machine: its links start at the root, not at ours."""
    place = root
    for part in Path(target).parts[1:]:
        place /= part
        if place.is_symlink():
            linked = Path("/", place.parent.relative_to(root), place.readlink())
            place = inside(root, os.path.normpath(linked))
    return place


def account(root: Path, user: str) -> tuple[int, int, str]:
    """User, group and home of a user by name or number, as the root knows them."""
    for line in (root / "etc/passwd").read_text().splitlines():
        name, _, number, group, _, home, _ = line.split(":")
        if user in (name, number):
            return int(number), int(group), home
    raise LookupError(f"{root} has no user {user}")
