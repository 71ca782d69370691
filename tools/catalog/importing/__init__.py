"""Bringing in the planner's own data: from rows of files to rows of the catalogue, with a way back."""
