"""`restock demo`: one whole decision on the terminal. `tests/api/test_serving.py` shows it in a process of its own."""

import io
from collections.abc import Callable

from typer.testing import Result


def test_the_demo_of_a_product_that_is_not_there_says_so(run: Callable[..., Result], log: io.StringIO) -> None:
    done = run("demo", "NO_SUCH")

    assert done.exit_code == 1
    assert "NO_SUCH" in done.stderr
    assert "Traceback" not in done.stderr
