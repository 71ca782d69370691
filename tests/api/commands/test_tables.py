"""Files of tables from the command line."""

from pathlib import Path

import pytest
import typer
from python_calamine import CalamineWorkbook

from api.commands.tables import Out

ROWS = [{"a": "007", "b": 1.5}]


def test_both_files_and_standard_output_have_the_same_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Out(csv=str(tmp_path / "t.csv"), xlsx=tmp_path / "t.XLSX").write(ROWS, ["a", "b"])
    assert f"1 row is in {tmp_path / 't.XLSX'}" in capsys.readouterr().err
    Out(csv="-", xlsx=None).write(ROWS, ["a", "b"])
    assert capsys.readouterr().out == (tmp_path / "t.csv").read_text() == "a,b\n007,1.5\n"
    assert CalamineWorkbook.from_path(tmp_path / "t.XLSX").get_sheet_by_index(0).to_python()[1] == ["007", 1.5]


def test_an_empty_table_says_so_beside_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    Out(csv="-", xlsx=None).write([], ["a", "b"])
    shown = capsys.readouterr()
    assert shown.out == "a,b\n"
    assert "no rows" in shown.err


@pytest.mark.parametrize(("csv", "xlsx"), [("t.xlsx", None), ("t", None), (None, "t.csv"), (None, "-")])
def test_a_file_is_what_its_ending_says(tmp_path: Path, csv: str | None, xlsx: str | None) -> None:
    with pytest.raises(typer.BadParameter, match="should end in"):
        Out(csv=csv and str(tmp_path / csv), xlsx=xlsx and tmp_path / xlsx).write(ROWS, ["a"])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for path, words in (("missing/t.csv", "no folder .*missing"), ("folder.csv", "cannot be written: Is a directory")):
        with pytest.raises(typer.BadParameter, match=words):
            Out(csv=str(tmp_path / path), xlsx=None).write(ROWS, ["a"])


def test_a_table_that_a_workbook_cannot_hold_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="write a CSV instead"):
        Out(csv=None, xlsx=tmp_path / "t.xlsx").write([{"a": "x" * 32_768}], ["a"])
