"""A purchase order as a page to print: plain HTML with a style, without a script. Or as a PDF of that page."""

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape

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
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{number}</title><style>{style}</style></head>
<body>
<h1>Purchase order {number}</h1>
<p>To: {supplier}<br>Deliver to: {location}<br>{state}</p>
<table>
<thead><tr><th>Order</th><th>Product</th><th>Deliver by</th>
<th>Quantity</th><th>Unit price</th><th>Value</th></tr></thead>
<tbody>
{lines}
</tbody>
</table>
<p>Total: <strong>{total}</strong></p>
{version}
</body>
</html>
"""


def print_page(document: Document, units: Mapping[str, str] = {}) -> str:
    """Every text is escaped. Cancelled lines are left out. `units` says what a product is counted in, by its id."""
    supplier = document.supplier_name or document.supplier_id
    lines = [_line(line, units.get(line.product_id, "")) for line in document.lines if line.status != "cancelled"]
    return _PAGE.format(
        style=STYLE,
        number=escape(document.number),
        supplier=escape(supplier) or "not known",
        location=escape(document.location),
        state=f"Sent {document.sent_at:%Y-%m-%d}" if document.sent_at else f"Of {document.opened_at:%Y-%m-%d}",
        version="" if document.sent_at else f"<footer><small>Version {document.version}</small></footer>",
        lines="\n".join(lines),
        total=_total(document),
    )


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


def _line(line: Order, unit: str) -> str:
    [item] = line.items
    price, value = (_money(each, line.currency) for each in (item.unit_price, item.value))
    product = f"{escape(item.name)}<br>{escape(item.product_id)}"
    ordered = escape(f"{amount(item.quantity)} {unit}".rstrip())
    cells = (escape(line.number), product, f"{_due(line):%Y-%m-%d}", ordered, price, value)
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _due(line: Order) -> datetime:
    """When it should arrive; of what has not been sent, if it is sent now."""
    return line.due_at if line.sent_at else datetime.now(UTC) + (line.due_at - line.created_at)


def _total(document: Document) -> str:
    values = [line.total for line in document.lines if line.status != "cancelled"]
    known = [value for value in values if value is not None]
    beside = "" if len(known) == len(values) else f", and {len(values) - len(known)} lines without a price"
    return _money(sum(known), document.currency) + beside


def _money(value: object, currency: str) -> str:
    return "" if value is None else escape(money(value, currency))
