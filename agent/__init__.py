"""The agent. `graph.py` is the picture, `nodes.py` has its steps, `runtime.py` builds everything.
`models` asks providers, `rules` answers without one, `running` carries out runs."""
