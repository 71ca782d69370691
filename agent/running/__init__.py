"""Runs: the queue, the work on them, how their ends are heard of, their checkpoints, and forgetting."""
