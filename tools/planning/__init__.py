"""The arithmetic, pure: from the facts of one product to its plan, its confidence and the gate. `scan` plans many."""
