import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from scripts.example import main as write_example

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
OURS = {"agent", "api", "tools", "tests"}

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def syntax(path):
    """Every node of the notebook's code; top-level `await` is part of what a notebook may say."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    for cell in code_cells(nbformat.read(path, as_version=4)):
        yield from ast.walk(compile(cell.source, str(path), "exec", flags))


def imported_modules(path):
    for node in syntax(path):
        if isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.fixture
def own_folders(tmp_path, monkeypatch):
    """Nothing of the caller's is read or written: no home folder, no provider key, no database."""
    folders = {"HOME": "home", "IPYTHONDIR": "ipython", "JUPYTER_RUNTIME_DIR": "jupyter", "MPLCONFIGDIR": "matplotlib"}
    for variable, folder in folders.items():
        monkeypatch.setenv(variable, str(tmp_path / folder))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/restock.db")
    monkeypatch.setenv("CHECKPOINT_PATH", str(tmp_path / "checkpoints.db"))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for variable in ("GEMINI_API_KEY", "GROQ_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


async def run(path, folder):
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    await client.async_execute()
    return notebook


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def printed(notebook):
    return "".join(output.text for output in outputs(notebook) if output.get("name") == "stdout")


def plots(notebook):
    return [output for output in outputs(notebook) if "image/png" in output.get("data", {})]


def test_the_notebooks_are_there():
    assert [path.name for path in NOTEBOOKS] == [
        "01_quickstart.ipynb",
        "02_what_if.ipynb",
        "03_backtest.ipynb",
        "04_own_catalogue.ipynb",
    ]


@each_notebook
def test_a_notebook_is_committed_without_what_it_printed(path):
    for cell in code_cells(nbformat.read(path, as_version=4)):
        assert cell.outputs == []
        assert cell.execution_count is None


@each_notebook
def test_a_notebook_imports_the_tools_and_the_runtime_alone(path):
    ours = {name for name in imported_modules(path) if name.split(".")[0] in OURS}

    assert ours
    assert {name for name in ours if not (name.split(".")[0] == "tools" or name == "agent.runtime")} == set()


@each_notebook
def test_a_notebook_defines_nothing(path):
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

    assert [node.name for node in syntax(path) if isinstance(node, definitions)] == []


@pytest.mark.slow
async def test_the_quickstart_places_one_order_leaves_one_and_asks_a_person_for_one(own_folders):
    notebook = await run(ROOT / "notebooks" / "01_quickstart.ipynb", ROOT / "notebooks")

    text = printed(notebook)
    assert "executed: PO-" in text
    assert "no_action:" in text
    assert "pending_review:" in text
    assert "placed by planner" in text
    assert len(plots(notebook)) == 2
    assert (own_folders / "restock.db").exists()
    assert [output.text for output in outputs(notebook) if output.get("name") == "stderr"] == []


@pytest.mark.slow
@pytest.mark.skipif(
    (ROOT / ".env").exists(), reason="a .env in the root may hold provider keys, and tests stay offline"
)
async def test_the_what_if_notebook_runs_from_the_repository_root(own_folders):
    notebook = await run(ROOT / "notebooks" / "02_what_if.ipynb", ROOT)

    assert len(plots(notebook)) == 3
    assert "purchase_order" in printed(notebook)
    assert [output.text for output in outputs(notebook) if output.get("name") == "stderr"] == []


@pytest.mark.slow
async def test_the_backtest_notebook_looks_back_on_the_sample(own_folders):
    notebook = await run(ROOT / "notebooks" / "03_backtest.ipynb", own_folders)

    assert len(plots(notebook)) == 1
    assert "past moments" in printed(notebook)
    assert "calibration error 0." in printed(notebook)
    assert [output.text for output in outputs(notebook) if output.get("name") == "stderr"] == []


@pytest.mark.slow
async def test_the_notebook_on_your_own_catalogue_goes_from_files_to_what_a_sweep_would_do(own_folders):
    write_example(own_folders / "docs" / "example")

    notebook = await run(ROOT / "notebooks" / "04_own_catalogue.ipynb", own_folders)

    text = printed(notebook)
    assert "products            40 new" in text
    assert "brought in again: 0 changes" in text
    assert "order_now" in text
    assert len(plots(notebook)) == 1
    assert "pending_review: " in text
    assert "would go out by themselves with automatic ordering" in text
    assert "Nordhaus Fasteners: " in text
    assert not (own_folders / "restock.db").exists(), "it uses a database of its own"
    assert [output.text for output in outputs(notebook) if output.get("name") == "stderr"] == []
