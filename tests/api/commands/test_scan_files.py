"""The same sales in other notations give the same plan."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

DAYS = [(date(2026, 1, 1) + timedelta(days=place), 8 + place * 7 % 6) for place in range(31)]


def rows(line: Callable[[date, int], str]) -> str:
    return "".join(f"{line(day, quantity)}\n" for day, quantity in DAYS)


def seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


PLAIN = "sku,date,quantity\n" + rows(lambda day, quantity: f"A1,{day},{quantity}")
FORMS: dict[str, str | bytes] = {
    "compact dates": "sku,date,quantity\n" + rows(lambda day, quantity: f"A1,{day:%Y%m%d},{quantity}"),
    "Unix seconds": "sku,timestamp,quantity\n" + rows(lambda day, quantity: f"A1,{seconds(day)},{quantity}"),
    "offsets": "sku,date,quantity\n"
    + rows(lambda day, quantity: f"A1,{day} 10:00:00 -0{4 + day.day % 2}00,{quantity}"),
    "a mark of bytes": b"\xef\xbb\xbf" + PLAIN.encode(),
    "a line of the separator": "sep=;\n" + PLAIN.replace(",", ";"),
    "German": "Artikel;Datum;Menge\n" + rows(lambda day, quantity: f"A1;{day:%d.%m.%Y};{quantity},00"),
    "blanks around names": PLAIN.replace("sku,date,quantity", "SKU, Date, Quantity "),
    "revenue": "date,sku,units_sold,sales\n" + rows(lambda day, quantity: f"{day},A1,{quantity},{quantity * 49.9:.2f}"),
    "stock beside sales": "Date,Product ID,Inventory Level,Units Sold\n"
    + rows(lambda day, quantity: f"{day},A1,{200 - quantity},{quantity}"),
    "cancelled orders": "sku,date,quantity,status\n"
    + rows(lambda day, quantity: f"A1,{day},{quantity},Completed\nA1,{day},{quantity},Cancelled"),
    "a return": PLAIN + "A1,2026-01-31,'-4.0\n",
    "prices": "sku,date,quantity,currency\n" + rows(lambda day, quantity: f"A1,{day},{quantity},$4.50"),
    "a row per product": "sku,"
    + ",".join(str(day) for day, _ in reversed(DAYS))
    + ",Total\nA1,"
    + ",".join(str(quantity) for _, quantity in reversed(DAYS))
    + ",311\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_a_file_does_not_change_the_plan(run: Any, tmp_path: Path, form: str) -> None:
    text = FORMS[form]
    (tmp_path / "plain.csv").write_text(PLAIN)
    (tmp_path / "other.csv").write_bytes(text if isinstance(text, bytes) else text.encode())

    expected, found = run("scan", "plain.csv"), run("scan", "other.csv")

    assert (expected.exit_code, found.exit_code) == (0, 0)
    assert found.stdout == expected.stdout


def test_thousands_are_thousands(run: Any, tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text(PLAIN.replace(",9\n", ",950\n"))
    thousands = rows(lambda day, quantity: f"A1;{day:%d.%m.%Y};{quantity}.050")
    (tmp_path / "sales.csv").write_text(f"sku;date;quantity\n{thousands}")
    run("scan", "sales.csv", "--out", "plans.csv")
    assert pd.read_csv(tmp_path / "plans.csv")["mean_per_day"][0] > 8_000


@pytest.mark.parametrize(
    "terms",
    [
        'product_id,lead_time_days,on_hand\n"A1 ",7,0\n',
        "product_id;lead_time_days;on_hand\nA1;7;0\n",
        "product_id,lead_time_days,on_hand,order_multiple,minimum_order_quantity\nA1,7,0,,\n",
        "Artikelnummer;Wiederbeschaffungszeit (Wochen);Bestand\nA1;1;0\n",
    ],
)
def test_the_form_of_the_terms_does_not_change_the_plan(run: Any, tmp_path: Path, terms: str) -> None:
    (tmp_path / "sales.csv").write_text(PLAIN)
    (tmp_path / "terms.csv").write_text(terms)

    result = run("scan", "sales.csv", "--products", "terms.csv")

    assert (result.exit_code, result.stdout) == (0, run("scan", "sales.csv").stdout)


def test_monthly_totals_on_first_days_of_months_are_planned_as_months(run: Any, tmp_path: Path) -> None:
    months = pd.date_range("2024-01-01", periods=24, freq="MS")
    lines = "".join(f"A1,{month:%Y-%m-%d},{1000 + month.month * 10}\n" for month in months)
    parts = "".join(f"A1,{month.year},{month.month},{1000 + month.month * 10}\n" for month in months)
    (tmp_path / "dates.csv").write_text(f"sku,date,quantity\n{lines}")
    (tmp_path / "parts.csv").write_text(f"sku,year,month,quantity\n{parts}")

    dates, split = run("scan", "dates.csv", "--lead-time", "30"), run("scan", "parts.csv", "--lead-time", "30")

    assert "smooth" in dates.stdout
    assert "The quantities are of whole months." in dates.stderr
    assert dates.stdout == split.stdout
