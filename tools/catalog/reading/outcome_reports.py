"""Reports of how orders turned out, from a file."""

from math import isnan

from tools.catalog.reading.file_reading import FileReading
from tools.records.orders import OutcomeReport


def outcome_reports(reading: FileReading) -> list[OutcomeReport]:
    """The report of each row of a file of outcomes."""
    return [
        OutcomeReport(
            order_number=row["order_number"],
            ran_out=row["ran_out"],
            left_over=row["left_over"],
            received_quantity=None if isnan(row.get("received_quantity", float("nan"))) else row["received_quantity"],
        )
        for row in reading.frame.to_dict("records")
    ]
