"""The whole catalogue at once."""
