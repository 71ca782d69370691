"""The whole service with PostgreSQL behind it."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agent.running import postgresql
from agent.running.preparation import prepare_databases
from agent.settings import Settings
from agent.state import DecisionRequest
from tests.agent.test_graph import REQUEST
from tools.records.errors import Unavailable

ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings(postgres_url: str) -> Settings:
    return Settings(_env_file=None, database_url=postgres_url)


async def _threads(runtime: Any) -> set[str]:
    return {each.config["configurable"]["thread_id"] async for each in runtime.checkpointer.alist(None)}


async def test_a_decision_is_placed_and_leaves_no_thread(start: Any) -> None:
    runtime = await start()

    view = await runtime.decide(REQUEST)

    assert (view.run.status, view.order.number[:3]) == ("executed", "PO-")
    assert await _threads(runtime) == set()


async def test_a_review_waits_across_a_restart_and_is_decided_once(start: Any) -> None:
    waiting = await (await start(rules_model=False)).decide(REQUEST)

    second = await start()
    threads = await _threads(second)
    placed = await second.decide_review(waiting.proposal.id, decision="approve", reason="Yes.", decided_by="ada")
    await second.drain()

    assert threads == {waiting.run.id}
    assert placed.run.status == "executed"
    assert await _threads(second) == set()


async def test_another_process_goes_on_with_a_conversation(start: Any) -> None:
    first = await (await start()).chat("How much STEEL_SHEETS do we have?", caller="ada")

    second = await (await start()).chat("And is it on order?", conversation_id=first.conversation_id, caller="ada")

    assert "STEEL_SHEETS" in second.answer


_START_AT_ONCE = """
import asyncio, os, sys
from agent.runtime import open_runtime
from agent.settings import Settings

async def main():
    async with open_runtime(Settings(_env_file=None, database_url=sys.argv[1])) as runtime:
        return (await runtime.readiness())["ready"]

children = []
for _ in range(8):
    child = os.fork()
    if child == 0:
        os._exit(0 if asyncio.run(main()) else 1)
    children.append(child)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


def test_eight_processes_prepare_an_empty_database_at_once(postgres_url: str, tmp_path: Path) -> None:
    done = _python(tmp_path, _START_AT_ONCE, postgres_url)

    assert done.stdout.splitlines()[-1] == str([0] * 8), done.stderr[-3000:]


async def test_preparing_again_changes_nothing_and_makes_later_steps_only(postgres_url: str) -> None:
    await postgresql.prepare_postgresql(postgres_url)
    engine = sa.create_engine(sa.make_url(postgres_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        made = connection.exec_driver_sql("SELECT name FROM procrastinate_migrations").scalars().all()
        latest = max(made)
        connection.exec_driver_sql("DELETE FROM procrastinate_migrations WHERE name = %s", (latest,))

        await postgresql.prepare_postgresql(postgres_url)

        again = connection.exec_driver_sql("SELECT name FROM procrastinate_migrations").scalars().all()
    engine.dispose()
    assert sorted(again) == sorted(made)
    assert len(made) > 10


async def test_a_database_out_of_reach_is_said_without_its_password() -> None:
    with pytest.raises(Unavailable) as said:
        await postgresql.prepare_postgresql("postgresql://ada:hunter2@127.0.0.1:9/book")

    assert "hunter2" not in said.value.message + repr(said.value.__cause__)


async def test_killed_connections_are_replaced(start: Any, postgres_url: str) -> None:
    runtime = await start()
    await runtime.decide(REQUEST)

    for product in ("COPPER_WIRE", "PVC_PIPES_110"):
        _kill_every_connection(postgres_url)
        view = await _in_the_end(runtime, REQUEST.model_copy(update={"product_id": product}))
        assert view.run.status in ("executed", "no_action", "pending_review")
    answer = await runtime.chat("What is on order?", conversation_id=None, caller="ada")

    assert answer.llm_provider == "rules"


def _kill_every_connection(url: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def _in_the_end(runtime: Any, request: DecisionRequest) -> Any:
    for _ in range(20):
        try:
            return await runtime.decide(request)
        except Unavailable:
            await asyncio.sleep(0.05)
    raise AssertionError("the database was not found again")


def test_a_migration_alone_prepares_the_database_and_says_so(postgres_url: str, tmp_path: Path) -> None:
    done = _python(tmp_path, "from api.commands.cli import main; main()", "migrate", DATABASE_URL=postgres_url)

    assert (done.returncode, done.stdout) == (0, "The database has the present schema.\n"), done.stderr
    engine = sa.create_engine(sa.make_url(postgres_url))
    assert {"runs", "checkpoints", "procrastinate_jobs"} <= set(sa.inspect(engine).get_table_names())
    engine.dispose()


async def test_a_start_that_may_not_migrate_leaves_an_empty_database_alone(start: Any, postgres_url: str) -> None:
    with pytest.raises(Unavailable, match="restock migrate"):
        await start(migrate_at_start=False)

    await prepare_databases(Settings(_env_file=None, database_url=postgres_url))
    assert (await (await start(migrate_at_start=False)).readiness())["ready"]


def _python(folder: Path, program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
