"""Faults planted on purpose, to see that a trial finds them: `python -m tests.soak.faulty FAULT serve …`.

Each takes away, in a process of its own and nowhere else, one thing that keeps orders from being lost or doubled.
"""

import sys
from collections.abc import Callable

FAULTS: dict[str, Callable[[], None]] = {}


def plant(fault: str) -> None:
    FAULTS[fault]()


def main() -> None:
    plant(sys.argv.pop(1))
    from api.cli import main as restock

    restock()


if __name__ == "__main__":
    main()
