"""Columns to roles, and the kind of a file by its columns. What cannot be told apart is asked, never guessed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import pyarrow as pa

from tools.catalog.reading.days import day_cells
from tools.catalog.reading.file_reading import Kind
from tools.catalog.reading.loose_names import loose
from tools.catalog.reading.names import plain, ranks, spellings
from tools.catalog.reading.roles import KINDS, REQUIRED, SOFT
from tools.catalog.reading.table import Table
from tools.catalog.reading.wide import FEWEST, PeriodColumns
from tools.records.errors import InvalidInput, UnclearColumns

ORDER_TERMS = {"lead_time_days", "minimum_order_quantity", "order_multiple", "service_level"}
"""What a list of stock does not tell."""
PRODUCT_TERMS = ORDER_TERMS | {"supplier", "unit"}
OF_GOODS = {"unit_price", "minimum_order_quantity", "order_multiple", "unit"}
"""What is said of products. A file that says it has lines of products, though it may call none so."""
SUPPLIER_TERMS = {"lead_time_days", "minimum_order_value", "free_freight_value", "order_days", "currency"}
PURCHASING = {"reference", "supplier", "received_quantity"}
LINE_NAMES, FEWEST_LINES = {"id", "ref", "reference", "referencia", "nr", "no", "nummer", "number"}, 10
MONEY_NAMES = {"sales", "sale", "ventas", "ventes", "verkauf", "verkaufe", "weeklysales", "dailysales", "monthlysales"}
CURRENCY_SIGN = re.compile(r"[$€£¥]|\b(?:EUR|USD|GBP)\b")
POSTED = 1
"""The rank of names for a day that may be of a receipt or of any other movement."""
LONG_PERIOD = re.compile(r"(?:19|20)\d\d|[QT][1-4][ /.-]*(?:19|20)?\d\d|(?:19|20)\d\d[ /.-]*[QT][1-4]", re.IGNORECASE)
"""A year or a quarter."""
LOOSE = 10
"""The first rank of names that are only like known ones."""
TIMES = ({"date"}, {"year", "month"}, {"year", "week"})
"""Columns that tell together when a line of sales was."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """Columns by role for one kind of file, and the roles that more than one column could take."""

    kind: Kind
    columns: dict[str, str]
    unclear: dict[str, tuple[str, ...]]
    ranks: dict[str, int]

    @property
    def roles(self) -> set[str]:
        return set(self.columns) | set(self.unclear)


def mapped(columns: Sequence[str], kind: Kind, given: Mapping[str, str]) -> Mapped:
    """The best column for each role; what a person gave comes first, then the better name. A role that is given as ""
    has no column."""
    taken = {role: (-1, [column] if column else []) for role, column in given.items() if role in KINDS[kind]}
    free = [column for column in columns if column not in given.values()]
    while best := _best(free, kind, taken):
        rank, role, found = best
        taken[role] = rank, found
        free = [column for column in free if column not in found]
    named = {role: each for role, each in taken.items() if each[1]}
    single = {role: found[0] for role, (_, found) in named.items() if len(found) == 1 or role in SOFT}
    _date_from_part(single)
    unclear = {role: tuple(found) for role, (_, found) in named.items() if role not in single}
    return Mapped(kind, single, unclear, {role: rank for role, (rank, _) in named.items()})


def _date_from_part(columns: dict[str, str]) -> None:
    """A column "week" or "month" without a year beside it names whole periods, as 2026-W05 or 2026-01."""
    if not {"date", "year"} & columns.keys():
        for part in ("week", "month"):
            if part in columns and "date" not in columns:
                columns["date"] = columns.pop(part)


def _best(free: Sequence[str], kind: Kind, taken: Mapping[str, object]) -> tuple[int, str, list[str]] | None:
    """The open role with the best-named columns."""
    found: list[tuple[int, str, list[str]]] = []
    for role, names in ranks(kind).items():
        if role in taken:
            continue
        ranked = {column: _rank(column, role, names) for column in free}
        rank = min((rank for rank in ranked.values() if rank is not None), default=None)
        if rank is not None:
            found.append((rank, role, [column for column in free if ranked[column] == rank]))
    return min(found, key=lambda each: each[0], default=None)


def _rank(column: str, role: str, names: Mapping[str, int]) -> int | None:
    """How good a name for the role the column has. One that is only like a known name comes after all known ones."""
    exact = min((names[spelling] for spelling in spellings(column) if spelling in names), default=None)
    if exact is not None:
        return exact
    return min((LOOSE + names[spelling] for spelling in loose(column, role) if spelling in names), default=None)


def kind_of(columns: Sequence[str], given: Mapping[str, str], *, wide: bool) -> Kind:
    """The kind of file with these columns; `wide` says whether some are periods in a row. Raises UnclearColumns."""
    kinds: list[Kind] = [kind for kind in get_args(Kind) if kind != "outcomes"]
    by_kind = {kind: mapped(columns, kind, given) for kind in kinds}
    fitting = [kind for kind, found in by_kind.items() if _fits(found, wide)]
    if "suppliers" in fitting and len(OF_GOODS & by_kind["products"].roles) > 1:
        fitting.remove("suppliers")
    fitting = _sharper(fitting, by_kind)
    if len(fitting) == 1:
        return fitting[0]
    listed = f"The columns are {', '.join(columns)}.{_seen(columns)}"
    if fitting:
        raise UnclearColumns(f"This may be a file of {' or of '.join(fitting)}; say which (--kind). {listed}")
    raise UnclearColumns(
        f"No kind of file has these columns. {listed} It may be {', '.join(kinds)}: say which (--kind), and which "
        "column is what (--map product_id=COLUMN)."
    )


def _seen(columns: Sequence[str]) -> str:
    """What is wrong with columns that are no names, or are periods that cannot be planned in."""
    if sum(LONG_PERIOD.fullmatch(column.strip()) is not None for column in columns) >= FEWEST:
        return " Demand by quarter or by year is too coarse to plan by: give days, weeks or months."
    cells = day_cells(pa.array(columns, pa.string()))
    if cells.clear or cells.either:
        return " A day is among them: is the line of column names missing?"
    return ""


def _fits(found: Mapped, wide: bool) -> bool:
    """Whether the columns say what a file of this kind has to say."""
    roles = found.roles
    match found.kind:
        case "sales":
            return "product_id" in roles and (wide or ("quantity" in roles and any(time <= roles for time in TIMES)))
        case "products":
            return "product_id" in roles and bool(PRODUCT_TERMS & roles or {"unit_price", "category"} <= roles)
        case "suppliers":
            return bool({"supplier_id", "supplier_name"} & roles and SUPPLIER_TERMS & roles)
        case "open_orders":
            named = found.ranks.get("quantity") == 0
            return {"product_id", "quantity"} <= roles and ("due_date" in roles or named) and bool(PURCHASING & roles)
        case kind:
            return set(REQUIRED[kind]) <= roles


def _sharper(fitting: list[Kind], by_kind: Mapping[Kind, Mapped]) -> list[Kind]:
    """Without the kinds that a file with these columns is not, where it fits another."""
    has = {kind: by_kind[kind].roles for kind in fitting}
    beaten = _came(by_kind) if {"receipts", "open_orders"} <= has.keys() else set()
    moved = "movement" in has.get("sales", set())
    if "receipts" in has and by_kind["receipts"].ranks["received_date"] == POSTED:
        beaten |= set() if "reference" in has["receipts"] else {"receipts"}
    elif "receipts" in has:
        moved = False
    if {"receipts", "open_orders"} & (has.keys() - beaten) and not moved and "customer" not in has.get("sales", set()):
        beaten.add("sales")
    if "sales" in has and "customer" in has["sales"]:
        beaten |= {"receipts", "open_orders"}
    if "promotions" in has:
        beaten |= {"sales", "products"}
    if {"sales", "receipts", "open_orders", "promotions"} & (has.keys() - beaten):
        beaten |= {"products", "stock"}
    if "products" in has:
        beaten |= {"stock"} if ORDER_TERMS & has["products"] else set()
        beaten |= {"suppliers"}
    if {"stock"} & has.keys() and "stock" not in beaten:
        beaten |= {"products"}
    if has.keys() - {"suppliers"}:
        beaten |= {"suppliers"} if any("product_id" in roles for roles in has.values()) else set()
    return [kind for kind in fitting if kind not in beaten]


def _came(by_kind: Mapping[Kind, Mapped]) -> set[Kind]:
    """Orders with the day on which they came are receipts, unless a column says what is still open."""
    received, still_open = by_kind["receipts"].ranks["received_date"], by_kind["open_orders"].ranks["quantity"]
    return {"open_orders"} if received < POSTED and still_open else set()


def checked_mapping(given: Mapping[str, str], columns: Sequence[str], kind: Kind | None) -> dict[str, str]:
    """The mapping that a person gave, with columns as the file writes them; "" stays. Raises InvalidInput."""
    roles = set(KINDS[kind]) if kind else {role for each in KINDS.values() for role in each}
    found = {}
    for role, column in given.items():
        if role not in roles:
            raise InvalidInput(f"There is no role {role!r}; use one of {', '.join(sorted(roles))}.")
        if not column:
            found[role] = ""
            continue
        exact = [each for each in columns if each == column.strip()]
        alike = exact or [each for each in columns if spellings(each)[0] == spellings(column)[0]]
        if len(alike) != 1:
            raise InvalidInput(f"There is no column {column!r} for {role}; the columns are {', '.join(columns)}.")
        found[role] = alike[0]
    return found


def chosen_columns(
    table: Table, name: str, kind: Kind | None, given: Mapping[str, str], periods: PeriodColumns | None
) -> tuple[Kind, dict[str, str], bool]:
    """The kind of a file, its columns by role, and whether its quantities stand in a column per period.

    Raises UnclearColumns where a person must name a column.
    """
    wide_columns = set(periods.days) if periods else set()
    others = [column for column in table.columns if column not in wide_columns]
    given = checked_mapping(given, table.columns, kind)
    kind = kind or kind_of(others, given, wide=bool(wide_columns))
    long = mapped(table.columns, kind, given)
    wide = kind == "sales" and bool(wide_columns) and not ("quantity" in long.roles and _timed(long.roles))
    found = mapped(others, kind, given) if wide else long
    columns = {**found.columns, **{role: _settled(table, name, role, them) for role, them in found.unclear.items()}}
    if wide:
        columns = {role: column for role, column in columns.items() if role in OF_A_PRODUCT}
    elif "date" in columns:
        columns = {role: column for role, column in columns.items() if role not in PARTS}
    _require(table, name, kind, columns, wide)
    return kind, columns, wide


OF_A_PRODUCT = ("product_id", "location", "price")
"""What a wide file says beside its quantities."""
PARTS = ("year", "month", "week")


def _timed(roles: set[str]) -> bool:
    return any(time <= roles for time in TIMES)


def _settled(table: Table, name: str, role: str, columns: Sequence[str]) -> str:
    """The one of some columns that has cells, or that says the same as the others. Raises UnclearColumns."""
    filled = [column for column in columns if any(table.coded(column).values)]
    first = filled[0] if filled else columns[0]
    same = all(list(table.coded(column).texts()) == list(table.coded(first).texts()) for column in filled[1:])
    if same:
        return first
    raise UnclearColumns(
        f"{name}: {' and '.join(map(repr, filled))} may each be {role}. Say which (--map {role}=COLUMN).",
        role=role,
        candidates=tuple(filled),
    )


def _require(table: Table, name: str, kind: Kind, columns: Mapping[str, str], wide: bool) -> None:
    """Raises UnclearColumns where a role is missing without which the file says nothing, or is none by its cells."""
    needed = [role for role in REQUIRED[kind] if role not in columns]
    if wide or (kind == "sales" and _timed(set(columns))):
        needed = [role for role in needed if role != "date" and not (wide and role == "quantity")]
    if kind == "suppliers" and "supplier_id" in columns:
        needed = []
    for role in needed:
        names = ", ".join(KINDS[kind][role][0][:4])
        raise _to_name(table, role, f"{name} has no column for {role} of {kind}.", f", or call it one of: {names}")
    if kind != "sales" or wide:
        return
    product, quantity = columns["product_id"], columns["quantity"]
    if _is_line_number(table, product):
        raise _to_name(
            table,
            "product_id",
            f"{name}: {product!r} differs in every row, so it names no product: another column does.",
        )
    if _is_money(table, quantity):
        raise _to_name(table, "quantity", f"{name}: {quantity!r} looks like money: another column has the quantity.")


def _to_name(table: Table, role: str, problem: str, way_on: str = "") -> UnclearColumns:
    return UnclearColumns(
        f"{problem} Name it (--map {role}=COLUMN){way_on}. The columns are {', '.join(table.columns)}.",
        role=role,
        candidates=tuple(table.columns),
    )


def _is_line_number(table: Table, column: str) -> bool:
    """Whether a column that is only called "id" or "number" is one of lines or documents."""
    cells = table.coded(column)
    return plain(column) in LINE_NAMES and FEWEST_LINES <= len(cells.values) == len(cells.codes)


def _is_money(table: Table, column: str) -> bool:
    """Whether a column that is only called "sales" has amounts with two decimals."""
    if plain(column) not in MONEY_NAMES:
        return False
    values = [value for value in table.coded(column).values if value]
    cents = sum(re.search(r"[.,]\d{2}$", value) is not None or bool(CURRENCY_SIGN.search(value)) for value in values)
    return bool(values) and cents > 0.5 * len(values)
