"""The database of the order book: engine, tables and migrations."""
