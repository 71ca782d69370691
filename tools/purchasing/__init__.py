"""Purchase orders: documents of many lines for one supplier."""
