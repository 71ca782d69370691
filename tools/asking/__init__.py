"""What the model's tools look into, and what they have in common: words, days, totals."""
