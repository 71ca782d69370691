"""The agent. `graph.py` is the picture and `nodes.py` its steps; `runtime.py` builds everything and is the front door.
`models` asks providers, `rules` answers without one, `running` carries runs out."""
