"""Names that people give to columns that several kinds of file have.

Each role has ranks of names: a column with a name of the first rank is preferred to one of the second. Case, blanks,
punctuation and accents do not count.
"""

Ranks = tuple[str, ...]

PRODUCT: Ranks = (
    "product id, product code, product no, product number, product nbr, item nbr, "
    "product sku, sku, sku id, sku code, sku no, skus, item id, "
    "item no, item number, item code, item sku, seller sku, lineitem sku, line item sku, variant sku, article, "
    "article id, article no, article number, article code, stock code, part id, part no, part number, part code, "
    "material number, material no, material code, artikel, artikelnummer, artikelnr, artikel nr, artikel id, "
    "artikelcode, art nr, artnr, materialnummer, materialnr, sachnummer, identnummer, identnr, ident nr, teilenummer, "
    "teilenr, teile nr, produktnummer, produktnr, produktcode, produkt id, codigo, codigo producto, "
    "codigo de producto, codigo articulo, codigo de articulo, codigo del articulo, id producto, cod articulo, "
    "cod producto, referencia producto, code article, code produit, reference article, reference produit, "
    "ref article, ref produit, article ref, id produit, no article, numero article, num article, matnr, idnrk",
    "product, products, item, part, material, produkt, producto, articulo, produit, variant",
    "asin, ean, gtin, upc, barcode, ean code, variant id",
    "lineitem name, line item name, product name, item name, article name, product title, part name, "
    "artikelbezeichnung, artikelname, produktname, nombre producto, nombre del producto, nom du produit, nom produit, "
    "description, product description, item description, bezeichnung, descripcion, designation",
    "id, ref, reference, referencia, nr, no, nummer, number",
)
LOCATION: Ranks = (
    "location, location id, location code, location name, warehouse, warehouse id, warehouse code, warehouse name, "
    "store, store id, store code, store no, store nbr, store number, store name, shop, shop id, branch, branch id, "
    "branch code, site, site id, plant, depot, outlet, stocking location, stock location, fulfillment center, lager, "
    "lagernr, lager nr, lagernummer, lagername, lagerbezeichnung, lagerortcode, betrieb, betriebsstätte, werk, "
    "filiale, filialnr, standort, niederlassung, verkaufsstelle, almacen, tienda, sucursal, ubicacion, centro, "
    "entrepot, magasin, emplacement, agence, lieu, werks",
    "lagerort, storage location, lgort",
)
BIN: Ranks = (
    "bin, storage bin, bin location, bin code, shelf, lagerplatz, stellplatz, regalplatz, lgpla, batch, batch no, "
    "batch number, lot, lot no, lot number, charge, chargennummer, chargennr, charg, lote, numero de lot",
    "lagerort, storage location, lgort",
)
"""A place within a location, or a batch: what is on hand there belongs to the location."""
SUPPLIER_ID: Ranks = (
    "supplier id, supplier no, supplier number, supplier code, vendor id, vendor no, vendor number, vendor code, "
    "lieferantennr, lieferanten nr, lieferantennummer, lieferanten id, lieferant nr, kreditor, kreditorennr, "
    "kreditorennummer, kreditor nr, id proveedor, codigo proveedor, codigo de proveedor, cod proveedor, "
    "code fournisseur, id fournisseur, no fournisseur, numero fournisseur, lifnr",
)
SUPPLIER_NAME: Ranks = (
    "supplier name, vendor name, lieferantenname, name des lieferanten, kreditorenname, kreditor name, "
    "nombre proveedor, nombre del proveedor, nom fournisseur, nom du fournisseur, name1",
    "supplier, vendor, lieferant, proveedor, fournisseur",
    "name, company, firma, firmenname, kurzname, suchbegriff, nombre, nom, bezeichnung",
)
SUPPLIER: Ranks = (
    SUPPLIER_ID[0],
    f"{SUPPLIER_NAME[0]}, {SUPPLIER_NAME[1]}, preferred supplier, main supplier, primary supplier, preferred vendor, "
    "vorzugslieferant, standardlieferant, einkauf von kreditor name, eink von kred name, "
    "primary vendor, hauptlieferant, stammlieferant",
    "manufacturer, brand, hersteller, fabricante, fabricant",
)
CURRENCY: Ranks = (
    "currency, currency code, cur, ccy, wkz, währungskennzeichen, whrg, belegwährung, lieferantenwährung, waehrung, "
    "währung, währungscode, whg, waers, moneda, divisa, devise",
)
LEAD_TIME: Ranks = (
    "lead time, leadtime, lead time days, lt, lt days, delivery time, delivery days, replenishment time, "
    "supplier lead time, vendor lead time, purchase lead time, lieferzeit, wiederbeschaffungszeit, wbz, "
    "beschaffungszeit, planlieferzeit, lieferfrist, plan lieferzeit, lieferdauer, plazo, plazo de entrega, "
    "plazo entrega, tiempo de entrega, tiempo entrega, delai, delai de livraison, delai livraison, delai appro, "
    "delai d approvisionnement, plifz",
)
RECEIVING: Ranks = (
    "goods receipt processing time, gr processing time, goods receipt days, receiving days, receiving time, "
    "inspection time, wareneingangsbearbeitungszeit, we bearbeitungszeit, we bearb zeit, einlagerungszeit, webaz",
)
LEAD_TIME_SD: Ranks = (
    "lead time sd, lead time sd days, lead time std, lead time stddev, lead time standard deviation, "
    "standard deviation of lead time, lead time variability, lieferzeit streuung, streuung lieferzeit, "
    "standardabweichung lieferzeit, desviacion plazo, ecart type delai",
)
ON_HAND: Ranks = (
    "on hand, onhand, on hand qty, qty on hand, quantity on hand, on hand quantity, stock on hand, soh, stock level, "
    "stock qty, stock quantity, current stock, inventory level, inventory quantity, inventory qty, variant inventory "
    "qty, qty in stock, quantity in stock, units in stock, in stock, physical stock, bestand, lagerbestand, "
    "istbestand, aktueller bestand, buchbestand, frei verwendbar, frei verwendbarer bestand, bestandsmenge, "
    "menge auf lager, lagermenge, existencias, stock actual, stock fisico, cantidad en stock, en stock, "
    "stock physique, quantite en stock, stock reel, labst, clabs",
    "stock, inventory, on stock, available, available qty, available quantity, available stock, verfugbar, "
    "verfugbarer bestand, freier bestand, disponible, stock disponible",
)
BACKORDERS: Ranks = (
    "backorders, backorder, back orders, back order, backordered, backorder qty, backordered qty, rückstand, "
    "rückstände, lieferrückstand, auftragsrückstand, offene kundenaufträge, pedidos pendientes de clientes, "
    "reliquat, reliquats, en rupture",
)
REFERENCE: Ranks = (
    "po, po no, po number, po id, purchase order, purchase order no, purchase order number, purchase order id, "
    "bestellnr, bestellnummer, bestell nr, bestellung, bestellung nr, be nr, bestellbeleg, einkaufsbeleg, "
    "pedido de compra, numero de pedido, no pedido, orden de compra, commande fournisseur, numero de commande, "
    "no commande, bon de commande, ebeln",
    "order, order no, order number, order id, reference, reference no, belegnr, belegnummer, auftragsnr, "
    "auftragsnummer, document no, pedido, referencia, commande, ref, receipt no, delivery note, lieferschein, "
    "lieferscheinnr",
)
ORDERED: Ranks = (
    "ordered date, order date, date ordered, ordered on, ordered, po date, purchase date, bestelldatum, bestellt am, "
    "bestellt, fecha pedido, fecha de pedido, fecha orden, date commande, date de commande, commande le, bedat",
    "created, created at, date, datum, fecha, belegdatum",
)
DUE: Ranks = (
    "due date, due, expected date, expected, expected on, expected delivery, expected delivery date, "
    "expected receipt date, expected receipt, expected arrival, eta, arrival date, delivery date, "
    "promised date, confirmed date, confirmed delivery date, requested delivery date, scheduled date, "
    "liefertermin, lieferdatum, termin, wunschtermin, bestätigter termin, wareneingangstermin, "
    "geplanter wareneingang, gepl wareneingang, erwartetes wareneingangsdatum, solltermin, fällig am, fällig, "
    "liefertermin bestätigt, erwartet, erwartet am, erwartetes lieferdatum, geplantes lieferdatum, fecha prevista, "
    "fecha de entrega, fecha entrega, entrega prevista, fecha esperada, date prevue, date de livraison, "
    "date livraison, livraison prevue, date de livraison prevue, eindt",
)
