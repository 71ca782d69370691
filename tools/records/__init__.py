"""What is passed around: facts, plan, orders, errors, money and text. Nothing here works or stores."""
