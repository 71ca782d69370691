"""One reader for every file that a person gives: it is opened, its columns are mapped to roles, its rows are read."""

from tools.catalog.reading.calendar import closed_days
from tools.catalog.reading.choices import Choices, choices
from tools.catalog.reading.file_reading import DateOrder, Decimal, Fault, FileReading, Kind, records
from tools.catalog.reading.reader import read_file
from tools.catalog.reading.report import fault_report, mapping_report, refuse_faults, write_rejects
from tools.records.errors import FaultyFile, UnclearColumns, UnclearNotation

__all__ = [
    "Choices",
    "DateOrder",
    "Decimal",
    "Fault",
    "FaultyFile",
    "FileReading",
    "Kind",
    "UnclearColumns",
    "UnclearNotation",
    "choices",
    "closed_days",
    "fault_report",
    "mapping_report",
    "read_file",
    "records",
    "refuse_faults",
    "write_rejects",
]
