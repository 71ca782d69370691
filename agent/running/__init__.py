"""Runs: the queue, the work on them, waiting for their end, checkpoints, and what is removed after a time."""
