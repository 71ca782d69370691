# ruff: noqa: E501 - exports have long lines
"""Which column of real exports is what."""

from datetime import date
from typing import Any

import pytest

from tools.catalog.reading import FileReading, UnclearColumns, mapping_report, read_file
from tools.records.errors import InvalidInput

TODAY = date(2026, 11, 30)


def read(text: str, **options: Any) -> FileReading:
    return read_file(text.encode(), name="file.csv", today=TODAY, **options)


SHOPIFY = """Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Total,Created at,Lineitem quantity,\
Lineitem name,Lineitem price,Lineitem sku,Vendor,Id,Phone
#1001,a@example.com,paid,2026-01-05 22:37:00 -0500,fulfilled,USD,28,30,2026-01-05 22:36:00 -0500,2,Mug,9.5,MUG-1,Acme,68765,1555
#1001,a@example.com,,,,,,,2026-01-05 22:36:00 -0500,1,Cap,9,CAP-1,Acme,,
#1002,b@example.com,refunded,2026-01-06 09:11:00 -0500,,USD,19,19,2026-01-06 09:10:00 -0500,1,Cap,19,CAP-1,Acme,68768,1556
"""
AMAZON = """amazon-order-id\tpurchase-date\tlast-updated-date\torder-status\tsales-channel\tproduct-name\tsku\tasin\t\
item-status\tquantity\tcurrency\titem-price
111-1\t2026-01-05T08:00:00+00:00\t2026-01-08T08:00:00+00:00\tShipped\tAmazon.com\tMug\tMUG-1\tB00X\tShipped\t2\tUSD\t19.00
111-2\t2026-01-06T08:00:00+00:00\t2026-01-08T08:00:00+00:00\tCancelled\tAmazon.com\tMug\tMUG-1\tB00X\tCancelled\t1\tUSD\t
"""
WOOCOMMERCE = """Order Number,Order Status,Order Date,Customer Note,Email (Billing),Item #,Item Name,SKU,Quantity,Item Cost
1001,wc-completed,2026-01-05 10:00,,a@example.com,1,Mug,MUG-1,2,9.5
1002,wc-cancelled,2026-01-06 10:00,,b@example.com,1,Mug,MUG-1,1,9.5
"""
SUPERSTORE = """Row ID,Order ID,Order Date,Ship Date,Ship Mode,Customer ID,Segment,Product ID,Category,Product Name,Sales,\
Quantity,Discount,Profit
1,CA-1,1/5/2026,1/8/2026,Second Class,CG-1,Consumer,FUR-1,Furniture,Bookcase,261.96,2,0,41.91
2,CA-2,1/13/2026,1/16/2026,Second Class,CG-2,Consumer,FUR-1,Furniture,Bookcase,731.94,3,0,219.58
"""
CAR_SALES = """ORDERNUMBER,QUANTITYORDERED,PRICEEACH,ORDERLINENUMBER,SALES,ORDERDATE,STATUS,QTR_ID,MONTH_ID,YEAR_ID,\
PRODUCTLINE,MSRP,PRODUCTCODE,CUSTOMERNAME
10107,30,95.7,2,2871,2/24/2003 0:00,Shipped,1,2,2003,Motorcycles,95,S10_1678,Land of Toys
10121,34,81.35,5,2765.9,5/7/2003 0:00,Cancelled,2,5,2003,Motorcycles,95,S10_1678,Reims
"""
NAVISION = """Belegnr.;Buchungsdatum;Artikelnr.;Beschreibung;Lagerortcode;Menge;VK-Preis;Debitorennr.
VK-1;05.01.2026;1000;Fahrrad;BLAU;2;4.000,00;D10000
VK-2;13.01.2026;1000;Fahrrad;ROT;1;4.000,00;D20000
"""
FRENCH = """N° facture;Date de facture;Code article;Désignation;Quantité vendue;Prix unitaire;Code client;Dépôt
F1;05/01/2026;A1;Vis;2;1,50;C1;Lyon
F2;13/01/2026;A1;Vis;1 200;1,50;C2;Lyon
"""
SPANISH = """Nº pedido;Fecha;Código artículo;Descripción;Unidades vendidas;Precio;Almacén
P1;05/01/2026;A1;Tornillo;2;1,50;Norte
P2;13/01/2026;A1;Tornillo;1;1,50;Norte
"""


@pytest.mark.parametrize(
    ("text", "columns", "sold"),
    [
        (SHOPIFY, ("Lineitem sku", "Created at", "Lineitem quantity"), {"MUG-1": 2, "CAP-1": 1}),
        (AMAZON, ("sku", "purchase-date", "quantity"), {"MUG-1": 2}),
        (WOOCOMMERCE, ("SKU", "Order Date", "Quantity"), {"MUG-1": 2}),
        (SUPERSTORE, ("Product ID", "Order Date", "Quantity"), {"FUR-1": 5}),
        (CAR_SALES, ("PRODUCTCODE", "ORDERDATE", "QUANTITYORDERED"), {"S10_1678": 30}),
        (NAVISION, ("Artikelnr.", "Buchungsdatum", "Menge"), {"1000": 3}),
        (FRENCH, ("Code article", "Date de facture", "Quantité vendue"), {"A1": 1202}),
        (SPANISH, ("Código artículo", "Fecha", "Unidades vendidas"), {"A1": 3}),
        ("date,store,item,sales\n2026-01-05,1,7,13\n2026-01-06,1,7,11\n", ("item", "date", "sales"), {"7": 24}),
        ("Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n1,85048,X,12,2026-01-05,6.9,1,UK\n",
         ("StockCode", "InvoiceDate", "Quantity"), {"85048": 12}),
    ],
)  # fmt: skip
def test_sales_exports_of_shops_and_systems_are_known_by_their_columns(
    text: str, columns: tuple[str, ...], sold: dict[str, float]
) -> None:
    reading = read(text)
    assert reading.kind == "sales"
    assert tuple(reading.mapping[role] for role in ("product_id", "date", "quantity")) == columns
    assert reading.frame.groupby("product_id")["quantity"].sum().to_dict() == sold


@pytest.mark.parametrize(
    ("columns", "kind", "roles"),
    [
        ("Artikelnr.;Bezeichnung;Lieferant;EK-Preis;Währung;Mindestmenge;VPE;Lieferzeit (Tage);ME", "products",
         {"unit_price": "EK-Preis", "order_multiple": "VPE", "minimum_order_quantity": "Mindestmenge"}),
        ("SKU;Unit cost;Price;Lead time", "products", {"unit_price": "Unit cost"}),
        ("Référence article;Désignation;Fournisseur;Prix d'achat;Délai de livraison;Colisage", "products",
         {"unit_price": "Prix d'achat", "lead_time_days": "Délai de livraison", "order_multiple": "Colisage"}),
        ("Código;Descripción;Proveedor;Precio de compra;Plazo de entrega;Pedido mínimo", "products",
         {"product_id": "Código", "minimum_order_quantity": "Pedido mínimo"}),
        ("Artikelnummer;Lager;Bestand;Rückstand", "stock", {"on_hand": "Bestand", "backorders": "Rückstand"}),
        ("Item No;Description;Bin;Qty on Hand;Warehouse", "stock", {"location": "Warehouse"}),
        ("SKU;Product name;Unit cost;On hand;Location", "stock", {"on_hand": "On hand"}),
        ("Lager;Artikel;Bezeichnung;Bestand;ME;Wert EUR", "stock", {"on_hand": "Bestand"}),
        ("Kreditor;Name;Währung;Lieferzeit;Mindestbestellwert;Frei Haus ab;Bestelltage", "suppliers",
         {"supplier_id": "Kreditor", "free_freight_value": "Frei Haus ab", "order_days": "Bestelltage"}),
        ("Vendor;Currency;Lead time (weeks);Minimum order", "suppliers", {"minimum_order_value": "Minimum order"}),
        ("Bestellnr.;Lieferant;Artikel;Bestellmenge;Gelieferte Menge;Liefertermin", "open_orders",
         {"received_quantity": "Gelieferte Menge", "due_date": "Liefertermin"}),
        ("Purchase Order;Vendor;Item;Outstanding Quantity;Expected Receipt Date", "open_orders",
         {"quantity": "Outstanding Quantity"}),
        ("PO;Supplier;SKU;Order date;Received on;Received qty", "receipts", {"ordered_date": "Order date"}),
        ("Artikel;von;bis;Faktor", "promotions", {"first_day": "von", "last_day": "bis", "uplift": "Faktor"}),
        ("Article;du;au;Remise", "promotions", {"price_cut": "Remise"}),
    ],
)  # fmt: skip
def test_other_files_are_known_by_their_columns_too(columns: str, kind: str, roles: dict[str, str]) -> None:
    reading = read(f"{columns}\n")
    assert reading.kind == kind
    assert {role: reading.mapping.get(role) for role in roles} == roles


def test_a_sales_price_is_no_purchase_price() -> None:
    for column in ("Verkaufspreis", "VK", "Retail price", "MSRP", "Selling price"):
        reading = read(f"SKU;Lead time;{column}\nA;7;9,50\n")
        assert "unit_price" not in reading.mapping
        assert reading.unused == (column,)


@pytest.mark.parametrize(
    ("text", "role", "candidates"),
    [
        ("sku,product id,date,quantity\nA,17,2026-01-05,9\n", "product_id", ("sku", "product id")),
        ("sku,date,quantity,units sold\nA,2026-01-05,9,8\n", "quantity", ("quantity", "units sold")),
        ("sku,date,quantity,store,warehouse\nA,2026-01-05,9,S1,W1\n", "location", ("store", "warehouse")),
    ],
)
def test_two_columns_for_one_role_are_a_question(text: str, role: str, candidates: tuple[str, ...]) -> None:
    with pytest.raises(UnclearColumns, match=f"--map {role}=COLUMN") as asked:
        read(text)
    assert (asked.value.role, asked.value.candidates) == (role, candidates)
    assert read(text, mapping={role: candidates[1]}).mapping[role] == candidates[1]


def test_two_columns_that_say_the_same_or_of_which_one_is_empty_are_no_question() -> None:
    assert read("sku,product id,date,quantity\nA,A,2026-01-05,9\n").mapping["product_id"] == "sku"
    assert read("sku,product id,date,quantity\n,A,2026-01-05,9\n").mapping["product_id"] == "product id"


def test_a_number_of_lines_is_no_product() -> None:
    rows = "".join(f"{place},2026-01-{place + 5:02},S1,4\n" for place in range(12))
    with pytest.raises(UnclearColumns, match="'id' differs in every row, so it names no product"):
        read(f"id,date,store_nbr,unit_sales\n{rows}")
    named = read(f"id,date,store_nbr,item_nbr,unit_sales\n{rows.replace(',S1,', ',S1,103665.0,')}")
    assert set(named.frame["product_id"]) == {"103665"}


def test_money_is_no_quantity() -> None:
    with pytest.raises(UnclearColumns, match="'sales' looks like money"):
        read("date,sku,sales\n2026-01-05,A,449.10\n2026-01-06,A,548.90\n")
    with pytest.raises(UnclearColumns, match=r"no column for quantity.*--map quantity=COLUMN.*revenue"):
        read("date,sku,revenue\n2026-01-05,A,449.10\n", kind="sales")


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        ({"quantity": "many"}, "There is no column 'many' for quantity; the columns are sku, when, n"),
        ({"amount": "n"}, "There is no role 'amount'; use one of"),
        (
            {"quantity": "sku", "date": "when", "product_id": "sku"},
            "was taken for quantity, but most of its cells are none",
        ),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(mapping: dict[str, str], why: str) -> None:
    rows = "".join(f"A,2026-01-0{day},9\n" for day in range(1, 8))
    with pytest.raises(InvalidInput, match=why):
        read(f"sku,when,n\n{rows}", kind="sales", mapping=mapping)


def test_a_column_is_named_whatever_its_case_and_blanks() -> None:
    reading = read(
        "Code XY,When,N\nA,2026-01-05,9\n", mapping={"product_id": "code xy", "date": "when", "quantity": "n "}
    )
    assert reading.mapping == {"product_id": "Code XY", "date": "When", "quantity": "N"}


def test_a_wrong_column_is_asked_for_once_and_not_a_fault_a_line() -> None:
    rows = "".join(f"A,{day:02}:15,9\n" for day in range(20))
    with pytest.raises(UnclearColumns, match="column 'time' was taken for date, but most of its cells are none"):
        read(f"sku,time,quantity\n{rows}")


def test_the_report_shows_each_column_with_values_and_what_is_not_used() -> None:
    report = mapping_report(read("sku,date,quantity,colour\nA,2026-01-05,9,red\nB,2026-01-06,4,blue\n"))
    assert report == (
        "file.csv: sales, 2 rows\n  product_id = 'sku': A, B\n  date = 'date': 2026-01-05, 2026-01-06\n"
        "  quantity = 'quantity': 9, 4\n  not used: colour"
    )


def test_a_role_that_is_given_no_column_takes_none() -> None:
    text = "SKU,Date,Qty,Pieces\nA1,2026-01-05,2,3\n"
    with pytest.raises(UnclearColumns, match="may each be quantity"):
        read(text)
    reading = read("SKU,Date,Qty,Warehouse\nA1,2026-01-05,2,North\n", kind="sales", mapping={"location": ""})
    assert ("location" in reading.mapping, reading.unused) == (False, ("Warehouse",))


def test_a_role_that_is_needed_and_given_no_column_is_asked_for() -> None:
    with pytest.raises(UnclearColumns, match="no column for quantity") as asked:
        read("SKU,Date,Qty\nA1,2026-01-05,2\n", kind="sales", mapping={"quantity": ""})
    assert asked.value.role == "quantity"
