"""The backtest as one HTML file that needs nothing beside it."""

from pathlib import Path

from api.pages.desk import templates
from api.pages.lookback_plots import lookback_plots
from tools.lookback.backtest import Backtest, few_moments
from tools.records.errors import InvalidInput

STYLES = Path(__file__).parent / "static" / "desk.css"


def backtest_report(found: Backtest, *, name: str) -> str:
    """The whole page."""
    plots, doubt = lookback_plots(found), few_moments(found)
    template = templates.get_template("report.html")
    return template.render(found=found, name=name, plots=plots, doubt=doubt, styles=STYLES.read_text("utf-8"))


def write_report(found: Backtest, path: Path, *, name: str) -> None:
    """Raises InvalidInput where the file cannot be written."""
    try:
        path.write_text(backtest_report(found, name=name), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"The report cannot be written to {path}: {error.strerror}.") from error
