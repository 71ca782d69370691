"""The roles that columns play in each kind of file, and the names that people give such columns."""

from typing import Literal

from tools.catalog.reading.file_reading import Kind
from tools.catalog.reading.shared_roles import (
    BACKORDERS,
    BIN,
    CURRENCY,
    DUE,
    LEAD_TIME,
    LEAD_TIME_SD,
    LOCATION,
    ON_HAND,
    ORDERED,
    PRODUCT,
    RECEIVING,
    REFERENCE,
    SUPPLIER,
    SUPPLIER_ID,
    SUPPLIER_NAME,
    Ranks,
)

Content = Literal["id", "text", "number", "day"]

KINDS: dict[Kind, dict[str, Ranks]] = {
    "sales": {
        "product_id": PRODUCT,
        "date": (
            "order date, date ordered, ordered at, order created, bestelldatum, auftragsdatum, fecha pedido, "
            "fecha de pedido, date commande, date de commande",
            "date, day, sale date, sales date, date of sale, sold on, purchase date, transaction date, datum, tag, "
            "verkaufsdatum, fecha, dia, fecha venta, fecha de venta, date vente, date de vente, jour, transaction day",
            "invoice date, document date, posting date, booking date, created at, date created, created, belegdatum, "
            "buchungsdatum, buch dat, beleg dat, budat, bldat, "
            "rechnungsdatum, fecha factura, leistungsdatum, fakturadatum, warenausgangsdatum, fecha de factura, "
            "date facture, date de facture",
            "timestamp, datetime, date time, time, order time, paid at, month id, year month, yearmonth, period, "
            "week ending, week start, week starting, week beginning, woche ab, wochenbeginn, semana del, semaine du, "
            "periode, periodo, jahrmonat, monat jahr, calendar week, year week, yearweek",
            "ship date, shipped date, shipping date, delivery date, lieferdatum, versanddatum, fecha envio, "
            "date livraison, date d expedition",
        ),
        "year": ("year, jahr, ano, año, annee, année, fiscal year, year id",),
        "month": ("month, monat, mes, mois, month no, month number, month id",),
        "week": ("week, week no, week number, iso week, calendar week, woche, kw, kalenderwoche, semana, semaine",),
        "quantity": (
            "quantity, qty, units sold, unit sold, unit sales, quantity sold, qty sold, sold quantity, sold qty, sold, "
            "items sold, pieces sold, net items sold, net quantity, quantity ordered, qty ordered, ordered quantity, "
            "order quantity, order qty, units, lineitem quantity, line item quantity, item quantity, sales quantity, "
            "sales qty, sales units, ordered qty, menge, stück, stk, stückzahl, "
            "anzahl, verkaufte menge, verkaufsmenge, absatz, absatzmenge, auftragsmenge, rechnungsmenge, "
            "fakturierte menge, bestellmenge, bestellte menge, cantidad, cantidad vendida, unidades, "
            "unidades vendidas, uds, uds vendidas, quantité, qte, quantité vendue, qte vendue, unités, unités vendues, "
            "pieces, pcs, demand, demand qty, demand quantity, order demand, daily demand, nachfrage, bedarf, demanda, "
            "demande, cant, fkimg, kwmeng",
            "units ordered, sales volume, volume, count, number, abgesetzte menge, gelieferte menge, "
            "ausgelieferte menge, cantidad entregada, quantite livree, delivered quantity, quantity delivered, "
            "quantity shipped, shipped quantity, shipped qty, liefermenge, lfimg",
            "sales, sale, verkauf, verkäufe, ventas, ventes, weekly sales, daily sales, monthly sales",
        ),
        "location": LOCATION,
        "price": (
            "unit price, price each, price per unit, lineitem price, line item price, item price, unit selling price, "
            "selling price, sales price, sale price, net price, unit price net, einzelpreis, stückpreis, vk preis, "
            "verkaufspreis, vk, precio unitario, precio de venta, precio venta, prix unitaire, prix de vente, pu",
            "price, preis, precio, prix",
        ),
        "status": (
            "status, order status, orderstatus, line status, financial status, payment status, fulfillment status, "
            "item status, invoice status, auftragsstatus, bestellstatus, zustand, estado, estado pedido, "
            "estado del pedido, statut, etat, etat commande, state, cancelled, canceled, is cancelled, cancelled at, "
            "canceled at, cancelled on, storniert, storno, anulado, cancelado, annule",
        ),
        "movement": (
            "type, transaction type, entry type, document type, order type, sales type, movement type, line type, "
            "belegart, buchungsart, bewegungsart, bwa, vorgangsart, vorgang, auftragsart, posten art, art, tipo, "
            "tipo de movimiento, tipo movimiento, tipo documento, type de mouvement, type mouvement, type de piece, "
            "bwart, mvt, doc type, voucher type, belegtyp, dokumentart, dokumenttyp, tipo de documento, "
            "clase de documento, type de document, type document",
        ),
        "side": (
            "s h, soll haben, soll haben kennzeichen, sh kennzeichen, shkzg, debit credit, debit credit indicator, "
            "dr cr, cr dr, debe haber, sens",
        ),
        "customer": (
            "customer id, customerid, customer no, customer number, customer code, client id, kundennummer, kundennr, "
            "kunden nr, kunden id, debitor, debitorennr, debitor nr, debitornr, debitorennummer, codigo cliente, "
            "id cliente, cod cliente, code client, no client, kunnr",
            "customer, customer name, client, kunde, kundenname, cliente, buyer, sold to, email, buyer email, "
            "customer email, nombre cliente, nom client",
        ),
        "document": (
            "order no, order number, order id, orderid, amazon order id, invoice, invoice no, invoice number, "
            "invoice id, document no, document number, document, transaction id, transaction no, receipt no, "
            "receipt number, belegnummer, belegnr, beleg nr, beleg, auftragsnummer, auftragsnr, auftrag, auftrag nr, "
            "rechnungsnummer, rechnungsnr, rechnung, rechnung nr, lieferschein nr, vorgangsnummer, "
            "vorgangsnr, va nr, bestellnummer, bestellnr, pedido, no pedido, "
            "num pedido, numero pedido, factura, no factura, numero factura, commande, no commande, numero commande, "
            "facture, no facture, numero facture, bon, ticket, order, mblnr, vbeln",
            "name",
        ),
        "promotion": (
            "promotion, promo, on promotion, onpromotion, holiday promotion, is promotion, promoted, aktion, "
            "werbeaktion, promocion, oferta, en promotion",
        ),
        "stock_out": (
            "stock out, stockout, out of stock, is stockout, is out of stock, oos, ausverkauft, fehlbestand, "
            "nicht lieferbar, sin stock, agotado, rupture, rupture de stock, en rupture",
        ),
    },
    "stock": {
        "product_id": PRODUCT,
        "location": LOCATION,
        "bin": BIN,
        "on_hand": ON_HAND,
        "backorders": BACKORDERS,
        "as_of": (
            "as of, as of date, stock date, count date, counted on, inventory date, snapshot date, stand, "
            "bestandsdatum, stichtag, inventurdatum, fecha stock, fecha inventario, date de stock, date inventaire",
            "date, datum, fecha, updated, updated at, last updated",
        ),
    },
    "products": {
        "product_id": PRODUCT,
        "name": (
            "product name, item name, article name, name, product title, title, artikelbezeichnung, artikelname, "
            "produktname, nombre, nombre producto, nombre del producto, nom, nom du produit, nom produit, part name, "
            "maktx, maktg",
            "description, product description, item description, bezeichnung, beschreibung, kurztext, benennung, "
            "kurzbezeichnung, matchcode, artikeltext, materialkurztext, descripcion, designation, libelle, txz01",
        ),
        "category": (
            "category, categories, product category, item category, product group, item group, group, family, "
            "product family, product line, class, department, warengruppe, artikelgruppe, produktgruppe, kategorie, "
            "materialgruppe, sortiment, categoria, familia, grupo, categorie, famille, groupe, rayon, "
            "matkl",
        ),
        "supplier": SUPPLIER,
        "unit": (
            "unit, uom, unit of measure, base unit, stock unit, stocking unit, sales unit, einheit, mengeneinheit, me, "
            "basiseinheit, basismengeneinheit, lagereinheit, maßeinheit, basiseinheitencode, unidad, "
            "unidad de medida, um, unite, unite de mesure, unite de stock, meins",
        ),
        "unit_price": (
            "unit cost, cost, cost price, unit cost price, purchase price, purchase cost, buying price, buy price, "
            "cost per unit, cost per item, purchasing price, landed cost, supplier price, vendor price, net cost, "
            "einkaufspreis, ek, ek preis, ekpreis, bestellpreis, listen ek, einstandspreis, bezugspreis, "
            "beschaffungspreis, kosten, stückkosten, ek netto, coste, costo, coste unitario, costo unitario, "
            "precio de compra, precio compra, precio de coste, prix d achat, prix achat, pa, cout, cout unitaire, "
            "prix de revient, netpr",
            "unit price, price per unit, stückpreis, einzelpreis, precio unitario, prix unitaire",
            "price, preis, precio, prix",
            "verpr, stprs, moving average price, standard price, gleitender durchschnittspreis, standardpreis",
        ),
        "price_unit": (
            "price unit, priced per, price per quantity, price quantity, preiseinheit, preis je, pe, unidad de precio, "
            "unite de prix, peinh",
        ),
        "currency": CURRENCY,
        "minimum_order_quantity": (
            "minimum order quantity, minimum order qty, min order quantity, min order qty, minimum order, min order, "
            "moq, min qty, minimum quantity, minimum qty, mindestbestellmenge, mindestmenge, mbm, min bestellmenge, "
            "mindestlosgröße, mindestabnahme, mindestabnahmemenge, cantidad minima, pedido minimo, "
            "cantidad minima de pedido, minimo de pedido, quantite minimum, quantite minimale, quantite mini, "
            "qte mini, commande minimum, minimum de commande, mini de commande, bstmi, minbm",
        ),
        "order_multiple": (
            "order multiple, multiple, order multiple qty, pack size, packsize, pack qty, pack quantity, pack, "
            "case size, case qty, case quantity, case pack, carton size, carton qty, lot size, order lot, "
            "rounding value, verpackungseinheit, ve, vpe, packungsgröße, packgröße, bestelllosgröße, vpe menge, "
            "packungsinhalt, inhalt vpe, verpackungsmenge, gebinde, gebindegröße, losgröße, "
            "bestellvielfaches, vielfaches, rundungswert, packmenge, multiplo, multiplo de pedido, "
            "unidades por caja, uds por caja, tamano de lote, tamaño paquete, colisage, conditionnement, pcb, "
            "multiple de commande, unites par carton, bstrf",
        ),
        "maximum_order_quantity": (
            "maximum order quantity, maximum order qty, max order quantity, max order qty, maximum order, max order, "
            "max qty, maximale bestellmenge, höchstbestellmenge, höchstmenge, maximalmenge, cantidad maxima, "
            "pedido maximo, quantite maximale, quantite maximum, bstma",
        ),
        "lead_time_days": LEAD_TIME,
        "lead_time_sd_days": LEAD_TIME_SD,
        "receiving_days": RECEIVING,
        "service_level": (
            "service level, target service level, service, cycle service level, target service, servicegrad, "
            "lieferbereitschaftsgrad, lieferbereitschaft, servicelevel, zielservicegrad, nivel de servicio, "
            "taux de service, niveau de service",
        ),
        "asked_service_level": ("asked service level",),
        "review_period_days": (
            "review period, review period days, review, review interval, order cycle, ordering interval, "
            "bestellrhythmus, bestellzyklus, bestellintervall, dispositionsrhythmus, periodo de revision, "
            "periode de revision, frequence de commande",
        ),
        "shelf_life_days": (
            "shelf life, shelf life days, haltbarkeit, haltbarkeitsdauer, mindesthaltbarkeit, mhd tage, vida util, "
            "caducidad, duree de vie, duree de conservation, dlc, dluo, ddm, mhdhb",
        ),
        "maximum_cover_days": (
            "maximum cover, maximum cover days, max cover, max cover days, maximum days of supply, max days of supply, "
            "maximale reichweite, max reichweite, cobertura maxima, couverture maximale, couverture max",
        ),
        "unit_size": (
            "unit size, smallest unit, smallest amount, order increment, increment, kleinste einheit, kleinste menge, "
            "schrittweite, incremento, increment de commande, pas de commande",
        ),
        "purchase_unit": (
            "purchase unit, purchasing unit, order unit, buying unit, purchase uom, order uom, bestelleinheit, "
            "einkaufseinheit, bestellmengeneinheit, unidad de compra, unite d achat, unite de commande, "
            "bstme",
        ),
        "units_per_purchase_unit": (
            "units per purchase unit, units per order unit, purchase unit factor, conversion factor, conversion, "
            "units per case, pieces per case, umrechnungsfaktor, umrechnung, stück pro bestelleinheit, "
            "menge je bestelleinheit, inhalt, factor de conversion, factor conversion, facteur de conversion, "
            "coefficient d achat",
        ),
        "order_cost": (
            "order cost, ordering cost, cost per order, bestellkosten, kosten je bestellung, coste de pedido, "
            "cout de commande, cout de passation",
        ),
        "holding_rate": (
            "holding rate, holding cost rate, carrying rate, carrying cost rate, lagerkostensatz, lagerhaltungssatz, "
            "lagerhaltungskostensatz, tasa de posesion, taux de possession",
        ),
        "stockout_cost": (
            "stockout cost, stock out cost, shortage cost, penalty cost, fehlmengenkosten, coste de rotura, "
            "cout de rupture",
        ),
        "notes": (
            "notes, note, comment, comments, remark, remarks, notiz, notizen, bemerkung, bemerkungen, hinweis, "
            "kommentar, notas, nota, observaciones, comentario, comentarios, remarque, remarques, commentaire",
        ),
        "location": LOCATION,
        "on_hand": ON_HAND,
        "on_order": (
            "on order, on order qty, qty on order, quantity on order, open orders, open order qty, incoming, inbound, "
            "in transit, bestellt, bestellbestand, offene bestellungen, offene bestellmenge, zulauf, pedido pendiente, "
            "pendiente de recibir, en pedido, en commande, encours fournisseur",
        ),
        "backorders": BACKORDERS,
        "planned_uplift": ("planned uplift, uplift",),
        "usual_lift": ("usual lift",),
        "period_days": ("period days",),
    },
    "suppliers": {
        "supplier_id": (*SUPPLIER_ID, "id, code, no, number, nr"),
        "supplier_name": SUPPLIER_NAME,
        "lead_time_days": LEAD_TIME,
        "lead_time_sd_days": LEAD_TIME_SD,
        "receiving_days": RECEIVING,
        "minimum_order_value": (
            "minimum order value, min order value, minimum value, min value, mov, minimum order amount, "
            "min order amount, minimum order, min order, mindestbestellwert, mindestauftragswert, mbw, mindestwert, "
            "valor minimo, valor minimo de pedido, pedido minimo, importe minimo, montant minimum, "
            "minimum de commande, franco de commande, valeur minimale, montant minimum de commande, minbw",
        ),
        "free_freight_value": (
            "free freight value, free freight, free freight from, free shipping from, free shipping, "
            "freight free value, free delivery from, frei haus ab, frachtfrei ab, frachtfreigrenze, "
            "versandkostenfrei ab, portes pagados, portes pagados desde, envio gratis desde, franco, franco de port",
        ),
        "order_days": (
            "order days, order day, ordering days, order weekdays, bestelltage, bestelltag, dias de pedido, "
            "dia de pedido, jours de commande, jour de commande",
        ),
        "currency": CURRENCY,
    },
    "open_orders": {
        "reference": REFERENCE,
        "supplier": SUPPLIER,
        "product_id": PRODUCT,
        "location": LOCATION,
        "quantity": (
            "qty open, open qty, quantity open, open quantity, open units, qty outstanding, outstanding qty, "
            "outstanding quantity, outstanding, remaining qty, remaining quantity, qty remaining, remaining, "
            "qty due, quantity due, still open, backlog, offene menge, menge offen, offen, restmenge, "
            "rückstand, bestellmenge offen, offene bestellmenge, restauftragsmenge, restliefermenge, "
            "ausstehende menge, noch zu liefern, rückstandsmenge, cantidad pendiente, pendiente, cantidad abierta, "
            "unidades pendientes, quantite restante, reste a livrer, quantite ouverte, reste, obmng",
            "quantity, qty, quantity ordered, qty ordered, ordered quantity, ordered qty, order quantity, order qty, "
            "units, menge, bestellmenge, bestellte menge, stück, anzahl, cantidad, unidades, cantidad pedida, "
            "quantite, qte, quantite commandee",
        ),
        "due_date": DUE,
        "ordered_date": ORDERED,
        "received_quantity": (
            "received quantity, received qty, qty received, quantity received, received, delivered quantity, "
            "delivered qty, qty delivered, gelieferte menge, erhaltene menge, geliefert, erhalten, wareneingangsmenge, "
            "cantidad recibida, recibido, recibida, quantite recue, qte recue, recu, quantite livree, wemng",
        ),
    },
    "receipts": {
        "reference": REFERENCE,
        "supplier": SUPPLIER,
        "product_id": PRODUCT,
        "location": LOCATION,
        "quantity": (
            "received quantity, received qty, qty received, quantity received, received units, delivered quantity, "
            "gelieferte menge, erhaltene menge, wareneingangsmenge, eingangsmenge, cantidad recibida, "
            "quantite recue, qte recue",
            "quantity, qty, units, menge, stück, anzahl, cantidad, unidades, quantite, qte, pieces",
        ),
        "ordered_date": ORDERED,
        "movement": ("bwart, bewegungsart, movement type, mvt",),
        "received_date": (
            "received date, receipt date, date received, received on, received at, goods receipt date, gr date, "
            "delivered date, date delivered, delivered on, arrived, arrived on, actual delivery date, eingangsdatum, "
            "wareneingangsdatum, wareneingang, wareneingang am, we datum, erhalten am, geliefert am, "
            "fecha recepcion, fecha de recepcion, recibido el, fecha recibido, date reception, date de reception, "
            "recu le",
            "budat",
        ),
        "due_date": DUE,
    },
    "promotions": {
        "product_id": PRODUCT,
        "location": LOCATION,
        "first_day": (
            "first day, start, start date, starts, starts on, valid from, from, from date, date from, begin, "
            "begin date, promo start, promotion start, von, gültig von, gültig ab, beginn, startdatum, ab, desde, "
            "fecha inicio, fecha de inicio, inicio, debut, date debut, date de debut, du",
        ),
        "last_day": (
            "last day, end, end date, ends, ends on, valid to, valid until, to, to date, until, date to, promo end, "
            "promotion end, bis, gültig bis, ende, enddatum, hasta, fecha fin, fecha de fin, fin, date fin, "
            "date de fin, au",
        ),
        "uplift": (
            "uplift, expected uplift, planned uplift, factor, uplift factor, lift, sales factor, faktor, "
            "absatzfaktor, mehrabsatz, uplift percent, factor de venta, incremento, facteur, hausse",
        ),
        "price_cut": (
            "price cut, discount, discount percent, discount pct, percent off, price reduction, markdown, rabatt, "
            "preisnachlass, nachlass, preissenkung, descuento, rebaja, remise, reduction, rabais",
        ),
    },
    "outcomes": {
        "order_number": ("order number, order no, order, number, bestellnummer, numero de pedido, numero de commande",),
        "ran_out": ("ran out, stocked out, ausgegangen, ausverkauft, agotado, en rupture",),
        "left_over": ("left over, leftover, rest, restbestand, übrig, sobrante, reste",),
        "received_quantity": ("received quantity, quantity received, received, erhaltene menge, cantidad recibida",),
    },
}
REQUIRED: dict[Kind, tuple[str, ...]] = {
    "sales": ("product_id", "date", "quantity"),
    "stock": ("product_id", "on_hand"),
    "products": ("product_id",),
    "suppliers": ("supplier_name",),
    "open_orders": ("product_id", "quantity"),
    "receipts": ("product_id", "quantity", "received_date"),
    "promotions": ("product_id", "first_day", "last_day"),
    "outcomes": ("order_number", "ran_out", "left_over"),
}
"""Roles without which a file of the kind says nothing."""
IDS = {"product_id", "location", "bin", "supplier", "supplier_id", "reference", "order_number", "customer", "document"}
DAYS = {"date", "as_of", "due_date", "ordered_date", "received_date", "first_day", "last_day"}
TEXTS = {"name", "category", "unit", "currency", "notes", "supplier_name", "order_days", "status", "movement", "side"}
TEXTS |= {"purchase_unit", "promotion", "stock_out", "ran_out", "month", "week"}
SOFT = TEXTS | {"price", "customer", "document", "reference", "as_of", "bin"}
"""Where two columns are as good as each other, the first is taken and named: no plan rests on these roles."""


def content(role: str) -> Content:
    """What the cells of a role are."""
    if role in DAYS:
        return "day"
    if role in IDS:
        return "id"
    return "text" if role in TEXTS else "number"
