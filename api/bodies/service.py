"""What the service says about itself, and its audit trail."""

from typing import Any, Literal

from pydantic import Field

from api.bodies.fields import Answer, NextPage
from tools.book.audit import AuditEntry


class ServiceAnswer(Answer):
    """Which service this is."""

    service: str = Field("restock", description="Name of the service.")
    status: Literal["running", "shutting down"] = Field(description="Whether it takes work.")
    version: str = Field(description="Version of the service.")


class Liveness(Answer):
    """The process answers."""

    status: Literal["ok"] = Field("ok", description="Always `ok`.")


class Readiness(Answer):
    """Whether work can be taken, and with what."""

    ready: bool = Field(description="Whether work can be taken.")
    database: str = Field(description="`ok`, `unreachable`, or `damaged`: then it must be restored from a copy.")
    models: list[dict[str, Any]]
    """The models in the order in which they are asked, each with its state."""


class AuditTrail(Answer):
    """A page of the audit trail, newest first."""

    entries: tuple[AuditEntry, ...] = Field(description="The entries of this page.")
    next: int | None = NextPage
