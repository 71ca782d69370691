"""The tables of the planner's own catalogue.

suppliers ──1:n── products ──1:n── stock, demand, promotions      by product and location
purchase_lines, supplier_receipts            what other systems have ordered, and when their orders came
imports ──1:n── import_changes, import_files     who brought in what, the rows before, files that wait
import_profiles, catalogue                   column mappings by name; settings of the catalogue
"""

from sqlalchemy import JSON, BigInteger, Column, Float, ForeignKey, Index, LargeBinary, Table, Text

from tools.storage.schema import RowNumber, metadata, optional, required
from tools.storage.types import Instant

suppliers = Table(
    "suppliers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("terms", JSON, nullable=False),
)

products = Table(
    "products",
    metadata,
    Column("id", Text, primary_key=True),
    *required(Text, "name", "category"),
    Column("supplier_id", Text),
    Column("terms", JSON, nullable=False),
    Index(None, "supplier_id"),
)

stock = Table(
    "stock",
    metadata,
    Column("product_id", Text, primary_key=True),
    Column("location", Text, primary_key=True),
    *required(Float, "on_hand", "backorders"),
    Column("as_of", Instant, nullable=False),
)

demand = Table(
    "demand",
    metadata,
    Column("product_id", Text, primary_key=True),
    Column("location", Text, primary_key=True),
    Column("first_day", Text, nullable=False),
    *required(LargeBinary, "quantities", "flags"),
)
"""One row for a history: a float64 and a flag for each day from `first_day` on. A row for a day would make the list of
ten thousand products a read of millions of rows."""

purchase_lines = Table(
    "purchase_lines",
    metadata,
    Column("reference", Text, primary_key=True),
    Column("product_id", Text, primary_key=True),
    Column("location", Text, primary_key=True),
    Column("supplier_id", Text),
    *required(Float, "quantity", "received"),
    *optional(Text, "ordered_on", "due_on"),
    Index(None, "product_id"),
)

supplier_receipts = Table(
    "supplier_receipts",
    metadata,
    Column("supplier_id", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("product_id", Text, primary_key=True),
    Column("received_on", Text, primary_key=True),
    *optional(Text, "location", "ordered_on", "due_on"),
    Column("quantity", Float),
    Index(None, "due_on", "received_on"),
)

promotions = Table(
    "promotions",
    metadata,
    Column("product_id", Text, primary_key=True),
    Column("location", Text, primary_key=True),
    Column("first_day", Text, primary_key=True),
    Column("last_day", Text, nullable=False),
    *optional(Float, "uplift", "price_cut"),
)

learned = Table(
    "learned",
    metadata,
    Column("product_id", Text, primary_key=True),
    Column("location", Text, primary_key=True),
    Column("value", JSON, nullable=False),
)
"""What `restock learn` has learned of each product's coming interval; all rows are of one moment."""

catalogue = Table(
    "catalogue",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", JSON, nullable=False),
)

imports = Table(
    "imports",
    metadata,
    Column("number", RowNumber, primary_key=True),
    *required(Text, "status", "recorded_by", "recorded_by_id"),
    *required(JSON, "files", "counts"),
    Column("created_at", Instant, nullable=False),
    *optional(Instant, "done_at", "undone_at"),
)

import_changes = Table(
    "import_changes",
    metadata,
    Column("number", RowNumber, primary_key=True),
    Column("import_number", BigInteger, ForeignKey("imports.number"), nullable=False),
    Column("table_name", Text, nullable=False),
    Column("key", JSON, nullable=False),
    Column("before", JSON),
    Index(None, "import_number"),
)

import_files = Table(
    "import_files",
    metadata,
    Column("import_number", BigInteger, ForeignKey("imports.number"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("kind", Text),
    Column("mapping", JSON, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("notation", JSON),
)

import_profiles = Table(
    "import_profiles",
    metadata,
    Column("name", Text, primary_key=True),
    Column("mapping", JSON, nullable=False),
)
