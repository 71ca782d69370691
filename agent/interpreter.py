"""Python, told what a server is like."""

import gc
import sys

YOUNG, MIDDLE, OLD = 20_000, 20, 20
SWITCH_SECONDS = 0.001


def settle() -> None:
    """Call once, when a process has started.

    What is loaded by then stays for ever, so looking through it for garbage again and again finds nothing, and stops
    every run for a fifth of a second each time. And 700 new objects, after which Python looks by default, are less
    than one run makes. A thread that comes back from the disk waits for a busy event loop to let go of Python's lock:
    5 ms by default, which is longer than the disk takes, and every transaction ends so.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    sys.setswitchinterval(SWITCH_SECONDS)
