"""The processes that hold runs. A process lives as long as its file is locked.

The operating system releases the lock when a process ends in any way, so processes that share the folder notice at
once. Elsewhere a run's lease must end first.
"""

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa


class Owner:
    """This process."""

    def __init__(self, name: str, folder: Path | None) -> None:
        self.name, self._folder = name, folder

    def dead(self, names: Collection[str]) -> list[str]:
        """Those of the owners that have ended. A name belongs to one process and is never used again."""
        if self._folder is None:
            return []
        return [name for name in names if name != self.name and not _is_locked(self._folder / name)]


@contextmanager
def become_owner(database_url: str) -> Iterator[Owner]:
    """A name for this process. With a SQLite order book, whose processes are all on this host, a locked file has that
    name."""
    url, name = sa.make_url(database_url), uuid4().hex
    if url.get_backend_name() != "sqlite" or not url.database:
        yield Owner(name, None)
        return
    folder = Path(f"{url.database}-owners")
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield Owner(name, folder)
    finally:
        (folder / name).unlink(missing_ok=True)
        os.close(descriptor)


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        with suppress(FileNotFoundError):
            path.unlink()
        return False
    finally:
        os.close(descriptor)
