"""Sweeps over the whole catalogue, and what they did."""

from datetime import datetime
from typing import Any, Self

from pydantic import Field

from api.bodies.fields import Answer, Body, Label
from tools.records.facts import Mode
from tools.records.sweeps import Sweep, SweepHead, SweepReport, SweepStatus
from tools.sweep.pages import Filters
from tools.sweep.today_rows import Status


class SweepInput(Body):
    """Which products are swept: those that trigger and fit every filter that is given."""

    supplier: Label | None = Field(None, description="Only this supplier's, by id or name.")
    category: Label | None = Field(None, description="Only this category.")
    location: Label | None = Field(None, description="Only this location.")
    status: tuple[Status, ...] = Field((), strict=False, description="Only rows of today's list with one of these.")
    text: Label | None = Field(None, description="Words of id, name, category or supplier.")
    dry_run: bool = Field(False, description="Say what would be placed, wait or not be ordered, and record nothing.")

    @property
    def filters(self) -> Filters:
        return Filters(**self.model_dump(exclude={"dry_run"}))


class SweepReportAnswer(SweepReport, Answer):
    """What a sweep did, or would do, on one page."""


class SweepSummary(Answer):
    """A sweep without its lines."""

    id: str = Field(description="Id of the sweep; ask for it at `/sweeps/{id}`.")
    status: SweepStatus
    mode: Mode
    requested_by: str = Field(description="Name of the key that asked for it; `daily sweep` for that of SWEEP_AT.")
    filters: dict[str, Any] = Field(description="The filters that were given.")
    total: int = Field(description="Products that triggered when it began.")
    created_at: datetime = Field(description="When it began.")
    finished_at: datetime | None = Field(description="When its last run had ended; null before.")
    failure: str | None = Field(description="Why it failed, if it did.")
    status_url: str = Field(description="Address at which to ask for progress and result.")

    @classmethod
    def of(cls, sweep: Sweep | SweepHead, **more: Any) -> Self:
        return cls.copy_of(sweep, status_url=f"/sweeps/{sweep.id}", **more)


class SweepAnswer(SweepSummary):
    """A sweep with its progress and result."""

    report: SweepReportAnswer = Field(description="What it did so far.")


class SweepPage(Answer):
    """A page of sweeps, newest first."""

    sweeps: tuple[SweepSummary, ...] = Field(description="The sweeps of this page.")
    next: str | None = Field(description="Pass as `before` for the next page; null at the end.")
