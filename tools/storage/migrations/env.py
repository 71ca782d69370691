"""How Alembic runs a migration: in the transaction that `tools.storage.migrations.upgrade` has opened and locked."""

from alembic import context

from tools.storage.schema import metadata


def run() -> None:
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()


# Alembic loads this file under this name. Another import, such as by a collector of doctests, starts nothing.
if __name__ == "env_py":
    run()
