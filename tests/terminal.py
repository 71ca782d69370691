"""Commands in a terminal of their own, and with a pipe where no terminal is."""

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 120
# Tests may themselves run in the background of a shell, where Ctrl-C is ignored and children inherit that.
_HEARS_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
_MAIN = "import sys; sys.argv[0] = 'restock'; from api.commands.cli import main; main()"
COMMAND = [sys.executable, "-c", f"{_HEARS_CTRL_C}; {_MAIN}"]


class Terminal:
    """A command in a terminal of its own, or with a pipe where no terminal is."""

    def __init__(self, folder: Path, *arguments: str, terminal: bool = True, **settings: str) -> None:
        self._ours, theirs = pty.openpty() if terminal else os.pipe()
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PORT": "0", **settings}
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self.text = ""

    def read_until(self, words: str) -> None:
        while words not in self.text:
            assert self._read(), f"ended without {words!r}: {self.text}"

    def read_to_the_end(self) -> int:
        while self._read():
            pass
        os.close(self._ours)
        return self.process.wait(60)

    def _read(self) -> bool:
        assert select.select([self._ours], [], [], PATIENCE_SECONDS)[0], f"it says nothing more: {self.text}"
        try:
            part = os.read(self._ours, 65_536)
        except OSError:  # a terminal whose last process has gone
            return False
        self.text += part.decode().replace("\r", "")
        return bool(part)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.read_to_the_end()


Run = Callable[..., Terminal]
