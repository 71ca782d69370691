"""Every way in: HTTP and the command line. Thin: validate, ask the runtime, answer."""

VERSION = "2.0.0"
