"""The deployment shown without a container engine: `make deployment`, as root on a Debian machine.

What `Dockerfile` says is done step by step in a Debian of its own. What `compose.yaml` says is then run with Linux
namespaces: the same users, read-only roots, volumes, secrets, networks, health checks and restarts.
"""
