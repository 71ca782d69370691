"""The engine under the order book, its tables, and the migrations that shape them."""
