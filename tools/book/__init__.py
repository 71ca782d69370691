"""The order book: runs, reviews, orders, keys, spending, audit trail and outbox."""
