"""A purchase order as a page to print: plain HTML with a style, without a script. Or as a PDF of that page."""

from collections.abc import Mapping
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from tools.purchasing.documents import Document
from tools.records.errors import PdfNotInstalled
from tools.records.orders import Order
from tools.records.text import amount, money

STYLE = """
body { font: 11pt/1.4 sans-serif; color: #000; max-width: 50em; margin: 2em auto; padding: 0 1em }
h1 { font-size: 16pt; margin: 0 }
table { border-collapse: collapse; width: 100%; margin-top: 1.5em }
th, td { border-bottom: 1px solid #999; padding: .3em .5em; text-align: left; vertical-align: top }
th + th + th + th, td + td + td + td { text-align: right }
tr { break-inside: avoid }
thead { display: table-header-group }
@media screen and (max-width: 500px) { body { font-size: 8.5pt; padding: 0 .2em } th, td { padding: .3em .2em } }
"""
_TEMPLATES = Environment(
    loader=PackageLoader("api.bodies", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_TEMPLATES.filters |= {"amount": amount, "money": money}


def print_page(document: Document, units: Mapping[str, str] = {}) -> str:
    """Cancelled lines are left out. `units` says what a product is counted in, by its id."""
    lines = [line for line in document.lines if line.status != "cancelled"]
    template = _TEMPLATES.get_template("print_page.html")
    return template.render(document=document, lines=lines, units=units, style=STYLE, due=_due)


def as_pdf(document: Document, units: Mapping[str, str] = {}) -> bytes:
    """The same page. Takes seconds. Raises PdfNotInstalled without the extra `pdf`, or where the system lacks Pango."""
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:
        raise PdfNotInstalled(
            "This installation makes no PDF. Install restock[pdf] and the system's Pango, or print the HTML page."
        ) from error
    pdf: bytes = HTML(string=print_page(document, units)).write_pdf()
    return pdf


def _due(line: Order) -> datetime:
    """When it should arrive; of what has not been sent, if it is sent now."""
    return line.due_at if line.sent_at else datetime.now(UTC) + (line.due_at - line.created_at)
