"""Delivers the events of the outbox to other systems."""
