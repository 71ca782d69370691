"""The order book: orders and their life, reviews, runs, keys, spending, audit and outbox."""
