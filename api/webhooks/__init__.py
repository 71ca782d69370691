"""How other systems hear of orders: the outbox, delivered."""
