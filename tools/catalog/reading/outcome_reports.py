"""Reports of how orders turned out, from a file."""

from tools.catalog.reading.file_reading import FileReading
from tools.records.orders import OutcomeReport


def outcome_reports(reading: FileReading) -> list[OutcomeReport]:
    """The report of each row of a file of outcomes."""
    frame = reading.frame.astype(object)
    rows = frame.where(frame.notna(), None).to_dict("records")
    return [OutcomeReport.model_validate(row) for row in rows]
