"""Files of tables from the command line."""

from pathlib import Path

import pytest
import typer
from python_calamine import CalamineWorkbook

from api.commands.tables import save

ROWS = [{"a": "007", "b": 1.5}]


def test_both_files_and_standard_output_have_the_same_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(ROWS, ["a", "b"], csv=str(tmp_path / "t.csv"), xlsx=str(tmp_path / "t.XLSX"))
    assert "t.XLSX: 1." in capsys.readouterr().err
    save(ROWS, ["a", "b"], csv="-")
    assert capsys.readouterr().out == (tmp_path / "t.csv").read_text() == "a,b\n007,1.5\n"
    assert CalamineWorkbook.from_path(tmp_path / "t.XLSX").get_sheet_by_index(0).to_python()[1] == ["007", 1.5]


def test_an_empty_table_says_so_beside_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    save([], ["a", "b"], csv="-")
    shown = capsys.readouterr()
    assert shown.out == "a,b\n"
    assert "no rows" in shown.err


@pytest.mark.parametrize(("option", "name"), [("csv", "t.xlsx"), ("csv", "t"), ("xlsx", "t.csv"), ("xlsx", "-")])
def test_a_file_is_what_its_ending_says(tmp_path: Path, option: str, name: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"does not end in .{option}"):
        save(ROWS, ["a"], **{option: name})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    for option in ("csv", "xlsx"):
        with pytest.raises(typer.BadParameter, match="cannot be written"):
            save(ROWS, ["a"], **{option: str(tmp_path / "missing" / f"t.{option}")})


def test_a_table_that_a_workbook_cannot_hold_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="write a CSV instead"):
        save([{"a": "x" * 32_768}], ["a"], xlsx=str(tmp_path / "t.xlsx"))
