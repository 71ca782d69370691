"""Kinds and columns in words: complete, and true to what the reader takes."""

import csv
import io
from datetime import UTC, datetime
from typing import get_args

import pytest

from tools.catalog.reading import Kind, read_file
from tools.catalog.reading.roles import KIND_WORDS, KINDS, example, roles

IMPORTED = [kind for kind in get_args(Kind) if kind != "outcomes"]
USUAL = {"usual_lift", "usual_cut", "usual_spread", "usual_scatter"}
NOT_STORED = {"asked_service_level", "planned_uplift", "period_days"} | USUAL
"""Columns of a file of terms for a scan; an import stores nothing of them."""


@pytest.mark.parametrize("kind", IMPORTED)
def test_every_column_of_every_kind_that_is_imported_is_explained(kind: Kind) -> None:
    assert KIND_WORDS[kind]
    assert {role.name for role in roles(kind)} == set(KINDS[kind]) - NOT_STORED
    assert all(role.meaning and role.label for role in roles(kind))


@pytest.mark.parametrize("kind", IMPORTED)
def test_an_example_is_read_as_its_kind_without_a_fault_or_a_question(kind: Kind) -> None:
    row = example(kind, datetime.now(UTC).date())
    file = io.StringIO()
    csv.writer(file).writerows([row.keys(), row.values()])

    reading = read_file(file.getvalue().encode(), name=f"{kind}.csv")

    assert (reading.kind, reading.faults, reading.unused) == (kind, (), ())
    assert reading.mapping == {name: name for name in row}
    assert len(reading.frame) == 1
