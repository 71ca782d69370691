"""Reports of how orders turned out, from a file."""

from tools.catalog.reading.file_reading import FileReading, records
from tools.records.orders import OutcomeReport


def outcome_reports(reading: FileReading) -> list[OutcomeReport]:
    """The report of each row of a file of outcomes."""
    return [OutcomeReport.model_validate(row) for row in records(reading.frame)]
