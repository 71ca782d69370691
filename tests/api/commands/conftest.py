"""The command line in an empty folder."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.commands.cli import app


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Runs `restock …` in an empty folder, with settings from the environment alone."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(app, arguments, env={"DATABASE_URL": f"sqlite:///{tmp_path}/b.db"} | environment)

    return run
