"""The command `restock`."""
