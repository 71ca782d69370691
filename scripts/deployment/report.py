"""What the trial says."""

import sys
import time


class Report:
    """Promises, each with what was seen. Keeps whether all were held."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        self._began = time.monotonic()

    def tell(self, words: str) -> None:
        print(f"{time.monotonic() - self._began:6.0f} s  {words}", flush=True)

    def title(self, words: str) -> None:
        print(f"\n{words}", flush=True)

    def check(self, promise: str, held: object, seen: object = "") -> None:
        """One promise; `seen` is what was found."""
        if not held:
            self.broken.append(promise)
        found = f": {seen}" if str(seen) else ""
        print(f"  {'held  ' if held else 'BROKEN'}  {promise}{found}", flush=True)

    def end(self) -> int:
        """The exit code, after the last words."""
        if self.broken:
            print(f"\n{len(self.broken)} promises were broken:", *self.broken, sep="\n  ", file=sys.stderr)
            return 1
        print("\nEvery promise was held.")
        return 0
