"""A bar that shows how far a long command has come."""

import sys

BAR_WIDTH = 30


def progress_bar(done: int, of: int) -> None:
    """A bar on standard error, where it is a terminal."""
    if not sys.stderr.isatty():
        return
    filled = BAR_WIDTH * done // of
    sys.stderr.write(
        f"\r[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {100 * done // of:3d} %" + ("\n" if done == of else "")
    )
    sys.stderr.flush()
