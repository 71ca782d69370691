"""The questions that need no model, and what a planner's words ask of them. Nothing here knows the catalogue: words
that are neither a condition, a keyword nor idle are left for the tools, which know names."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA

from tools.asking.words import fold

QUESTIONS = (
    "What should I order today?",
    "Which 5 products should I order first, by value?",
    "What is to be ordered, by supplier?",
    "Which orders are late?",
    "What waits for review?",
    "Which orders were placed this week?",
    "What changed since yesterday?",
    "What runs out first?",
    "Of what do we have too much stock?",
    "Which suppliers do we have?",
)
"""Questions that the rules answer as they stand."""
QUESTIONS_WITH_SLOTS = (
    "Why this quantity of {product}?",
    "What if the lead time of {product} is 21 days?",
    "What if demand for {product} rises by 20 %?",
    "What if I order only 600 of {product}?",
    "What should I order from {supplier}?",
    "What runs out within 3 days in {location}?",
    "Where is order {number}?",
    "Restock {product}",
)
"""Questions that the rules answer once a name is put in."""

NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
ORDINALS = {"first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "fifth": 4, "last": -1}
_WORDS = "|".join(NUMBERS)
_N = rf"(\d[\d.,]*k?|{_WORDS})"
_DAYS = rf"{_N}[ -]*(days?|weeks?|months?|tagen?|wochen?|monaten?|dias?|semanas?|mes(?:es)?|jours?|semaines?|mois)\b"
_PERCENT = r"(\d[\d.,]*) ?(?:%|percent|prozent|por ciento|pour ?cent)"
_DEMAND = r"(?:demand|sales|sell|nachfrage|bedarf|absatz|demanda|ventas|demande|ventes)"
_UP = (
    r"(?:ris\w+|increas\w+|grow\w*|up|more|higher|extra|steig\w+|mehr|hoher|sub\w+|aument\w+|mas|augment\w+|plus|"
    r"hausse)"
)
_DOWN = r"(?:fall\w*|drop\w*|decreas\w+|down|less|lower|fewer|sink\w+|weniger|baj\w+|menos|baiss\w+|moins)"
_LEAD = r"(?:lead[ -]?times?|delivery(?: time)?|lieferzeit|plazo(?: de entrega)?|delai(?: de livraison)?)"
_MORE = r"(?:more than|over|above|at least|greater than|exceeding|>=?|mehr als|uber|mas de|plus de)"
_LESS = r"(?:less than|fewer than|under|below|within|at most|up to|<=?|weniger als|unter|menos de|moins de)"
_MONEY = r"(?:\$|€|£|usd|eur|gbp|dollars?|euros?|pounds?|pesos?)"
_MONTHS = "january february march april may june july august september october november december".replace(" ", "|")
_DAY = rf"(\d{{4}}-\d\d-\d\d|(?:mon|tues|wednes|thurs|fri|satur|sun)day|{_MONTHS})\b"
_WHO = (
    r"(?!me\b|us\b|i\b|we\b|you\b|they\b|it\b|he\b|she\b|the\b|supplier|value|day|status|location|"
    r"product)([a-z][\w.-]+)"
)

Slots = dict[str, Any]
Reader = Callable[[Sequence[str]], Slots]
"""Takes what a pattern's groups hold."""


def number(text: str) -> float:
    """
    >>> number("1,200"), number("5k"), number("1.200.000"), number("three")
    (1200.0, 5000.0, 1200000.0, 3.0)
    """
    plain = re.sub(r"[.,](?=\d{3}(?:\D|$))", "", text) if re.search(r",\d{3}\b|\.\d{3}\.", text) else text
    plain = plain.rstrip(".,").replace(",", ".")
    return float(NUMBERS.get(plain) or float(plain.rstrip("k")) * (1000 if plain.endswith("k") else 1))


def _days(given: Sequence[str]) -> float:
    figure, unit = given
    return number(figure) * (7 if unit[0] in "ws" else 30 if unit[0] == "m" else 1)


def _ago(given: Sequence[str]) -> str:
    return f"{_days(given):.0f} days ago"


def _uplift(direction: str, percent: str) -> Slots:
    share = number(percent) / 100
    return {"demand_uplift": round(1 + share if re.fullmatch(_UP, direction) else 1 - share, 6)}


def _is(name: str, value: object) -> Reader:
    return lambda _: {name: value}


def _figure(name: str) -> Reader:
    return lambda given: {name: number(given[0])}


def _span(name: str) -> Reader:
    return lambda given: {name: _days(given)}


def _word(name: str) -> Reader:
    return lambda given: {name: given[0]}


_BY = {
    "supplier": "supplier vendor lieferant proveedor fournisseur",
    "location": "location site warehouse standort lager",
}
_BY |= {"category": "category kategorie", "status": "status", "product_id": "product item", "placed": "day date"}
_PERIODS = {
    "today": "today|heute|hoy|aujourd hui",
    "yesterday": "yesterday|gestern|ayer|hier",
    "this_week": "this week|diese woche|esta semana|cette semaine",
    "last_week": "last week|letzte woche|(?:la )?semana pasada|la semaine derniere",
    "this_month": "this month|diesen monat|este mes|ce mois",
    "last_month": "last month|letzten monat|(?:el )?mes pasado|le mois dernier",
    "this_year": "this year|dieses jahr|este ano|cette annee",
}
_DECIDED = {"a": "approved", "r": "rejected", "d": "any"}
_BETWEEN = rf"(?P<between>(?: (?!{_MORE}|{_LESS}|by )[^\d\s]+){{0,7}}?)"
_SLOTS: tuple[tuple[str, Reader], ...] = (
    (r"\b((?:po|tr|pd)-\d[\w-]*|(?:erp|so|ord)-\w+)\b", lambda g: {"number": g[0].upper()}),
    (r"\b(rv-\d+)\b", lambda g: {"review_id": g[0].upper()}),
    *((rf"\b(?:(?:group\w*|split|broken down) )?(?:by|per|each|nach|pro|je|por|par) (?:{'|'.join(n.split())})\w*",
       _is("group_by", by)) for by, n in _BY.items()),
    (r"\b(?:by|per|nach|por|par) (?:\w+ )?(?:value|wert|valor|valeur|amount|cost)\b|\bmost (?:expensive|valuable)\b"
     r"|\b(?:big|larg|high)est\b(?: value)?", _is("sort", "value")),
    (rf"\b(?:top|first|erste\w*|primer\w*|premier\w*)[ -](\d{{1,2}}|(?!one){_WORDS})\b(?! ?(?:%|days?|weeks?|"
     rf"months?)\b)|\b"
     rf"(\d{{1,2}}|{_WORDS}) (?=(?:products|items|orders|most|biggest|largest|first|produkte|productos|produits)\b)",
     lambda g: {"limit": max(1, min(20, int(number(g[0]))))}),
    (rf"\bby {_DAYS}(?: later| longer)?(?= ?late)?|\b{_DAYS} (?:late\w*|longer|delay\w*|verspatet|spater|tarde|de "
     rf"retard)"
     rf"|\b(?:late|delayed|delay of) (?:by )?{_DAYS}", _span("days_late")),
    (rf"\b{_LEAD}\b{_BETWEEN} {_DAYS}|\b(?:takes?|arrives? in) {_DAYS}|\b{_DAYS} (?:of )?{_LEAD}\b",
     _span("lead_time_days")),
    (rf"\b{_DEMAND}\b{_BETWEEN} ({_UP}|{_DOWN})\b(?: by| um| un| de| en)? (?:\+ ?)?{_PERCENT}",
     lambda g: _uplift(*g)),
    (rf"{_PERCENT} (?:of )?({_UP}|{_DOWN})\b(?: {_DEMAND}\b)?", lambda g: _uplift(g[1], g[0])),
    (rf"\b{_DEMAND}\b{_BETWEEN} (doubl|tripl|halv|verdoppel|duplic)\w*|\b(doubl|tripl|halv)\w* "
     rf"(?:the )?"
     rf"{_DEMAND}\b", lambda g: {"demand_uplift": {"t": 3.0, "h": 0.5}.get(g[0][0], 2.0)}),
    (rf"\b(?:service(?: ?level)?|servicegrad|nivel de servicio|taux de service)\b{_BETWEEN} "
     rf"{_PERCENT}"
     rf"|{_PERCENT} (?:cycle )?service(?: level)?", lambda g: {"service_level": number(g[0]) / 100}),
    (rf"\breview\w*(?: \w+)?? every {_DAYS}", _span("review_period_days")),
    (rf"\b(?:if|with|suppose|had|wenn|si)(?: (?:i|we|had|have|there|were))* {_N}{_BETWEEN} (?:in "
     rf"stock|on hand)\b"
     rf"|\bif (?:the )?stock (?:is|was|were) {_N}", _figure("on_hand")),
    (rf"\b(?:order|buy|take|bestell\w*|pid\w+|command\w+) (?:only|just|nur|solo|seulement) {_N}|\bif (?:i|we) "
     rf"(?:only )?"
     rf"(?:order|buy)(?:ed)? {_N}|\b(?:only|just) (?:order|buy) {_N}|\bonly {_N}(?= (?:instead|of|units)|$)",
     _figure("quantity")),
    (rf"\b(?:last|past|letzten|ultimos|derniers) {_DAYS}", lambda g: {"since": _ago(g)}),
    (rf"\b(?:since|seit|desde|depuis) {_DAYS}(?: ago)?", lambda g: {"since": _ago(g)}),
    (rf"\b{_DAYS} ago\b", lambda g: {"since": _ago(g), "until": _ago(g)}),
    (r"\b(?:since|seit|desde|depuis) (?:yesterday|gestern|ayer|hier)\b", _is("since", "1 days ago")),
    (r"\b(?:since|seit) (?:last week|letzter woche)\b", _is("since", "7 days ago")),
    (rf"\b(?:between|from) {_DAY} (?:and|to|until) {_DAY}", lambda g: {"since": g[0], "until": g[1]}),
    (rf"\b(?:since|after|from|seit|desde|depuis) {_DAY}", _word("since")),
    (rf"\b(?:until|before) {_DAY}", _word("until")),
    (rf"\b(?:on|in|of|last) {_DAY}", lambda g: {"since": g[0], "until": g[0]}),
    *((rf"\b(?:{words})\b", _is("period", period)) for period, words in _PERIODS.items()),
    (rf"\b{_LESS} {_DAYS}(?: (?:of )?(?:stock|cover|supply|left|bestand))?", _span("days_left_at_most")),
    (rf"\b(?:in |within )?(?:the )?next {_DAYS}", _span("days_left_at_most")),
    (r"\b(?:next (?:week|month|year|quarter)|tomorrow|morgen|nachste\w* (?:woche|monat)|manana|demain|proxim\w+ "
     r"(?:semana|mes)"
     r"|la semaine prochaine|(?:this|next) (?:mon|tues|wednes|thurs|fri|satur|sun)day)\b", _is("future", True)),
    (rf"\b(?:worth |valued? )?{_MORE} {_MONEY} ?{_N}|\b(?:worth |valued? )?{_MORE} {_N} ?{_MONEY}|\bworth {_MORE} {_N}",
     _figure("value_at_least")),
    (rf"\b(?:placed|ordered|created) by {_WHO}", _word("placed_by")),
    (rf"(?<=approved |rejected |.decided )by {_WHO}", _word("decided_by")),
    (r"\b(?:did|has) (?:any|some|every)(?:body|one) (?=(approve|reject|decide))",
     lambda g: {"review_status": _DECIDED[g[0][0]]}),
    (rf"\b(?:did|has) {_WHO} (?=(approve|reject|decide))",
     lambda g: {"decided_by": g[0], "review_status": _DECIDED[g[1][0]]}),
    (r"\bdid (?:i|we|you|they|he|she) (?=approve|reject|decide)", _is("somebody", True)),
    (r"(?=\b(approved|genehmigt|aprobad\w+|approuve\w+))", _is("review_status", "approved")),
    (r"(?=\b(rejected|abgelehnt|rechazad\w+|rejete\w+)\b)", _is("review_status", "rejected")),
    (r"(?=\b(on order|open (?:purchase )?orders?|open pos|offene|abiert\w+|en cours|"
     r"unterwegs)\b)", _is("order_status", "open")),
    (r"\b(received|cancelled|sent)(?= orders)|(?<=orders )(received|cancelled|sent)\b", _word("order_status")),
    (r"\b(?:slowest|longest(?= lead))\b", _is("supplier_sort", "slowest")),
    (r"\b(?:least reliable|most unreliable|latest|most often late)\b", _is("supplier_sort", "latest")),
    (r"\b(?:in total|altogether|all together|in all|everything)\b", _is("total", True)),
    (rf"\bdid {_WHO} (?=do\b|change)", _word("by")),
    (r"\bautomatic(?:ally)?\b|\bautomatisch\b|\bautomaticamente\b", _is("placed_by", "automatic")),
    (rf"\b(?:why|warum|por que|pourquoi)(?: is it| exactly| order| buy)? {_N}\b|\b(?:why|warum|por que|pourquoi)\b"
     rf"{_BETWEEN} {_N}$", lambda g: {"why": True, "asked": number(g[0])}),
    (r"\b(?:why|explain\w*|how come|reason|calculated?|derivation|warum|wieso|por que|pourquoi)\b", _is("why", True)),
    (r"\b(?:the|el|la|le|der|die|das) (" + "|".join(ORDINALS) + r")(?: one)?\b(?! (?:orders|products|items))",
     lambda g: {"ordinal": ORDINALS[g[0]]}),
    (r"\b(?:it|its|that one|this one|them|those|these|that(?= (?:cost|one|in total)|$)|this$|davon|eso|ese|ca)\b",
     _is("pronoun", True)),
    (rf"^(?:and|und|y|et|how about|what about|with|at|or|in| )*{_DAYS}$", _span("bare_days")),
    (rf"^(?:and|und|y|et|how about|what about|with|at|or| )*{_PERCENT}$", _figure("bare_percent")),
    (rf"^(?:and|und|y|et|how about|what about|with|or|only|just| )*{_N}$", _figure("bare")),
)  # fmt: skip


_PLEASE = (
    r"^(?:(?:please|pls|ok|okay|and|then|so|now|just|can|could|would|will|you|i|want|to|go ahead|let us|bitte|"
    r"por favor) )*"
)
_ACTION = (
    "approve|reject|cancel|e?mail|send|delete|remove|change|set|raise|increase|lower|update|edit|place|confirm|receive|"
    "mark|transfer|pay|call|notify|import|export|snooze|undo|switch|turn|stop|genehmig\\w+|storniere|losche|schick\\w*|"
    "aprueba|rechaza|envia|borra|approuve\\w*|rejette|annule\\w*|envoie|supprime"
)
_KINDS: tuple[tuple[str, str], ...] = (
    ("greeting", r"^(?:hi|hello|hey|hallo|hola|bonjour|good (?:morning|afternoon|evening)|guten (?:tag|morgen))(?: "
     r"there)?$"),
    ("thanks", r"^(?:many )?(?:thanks?|thank you|danke|gracias|merci|perfect|great|ok|okay)(?: very much| a lot)?$"),
    ("help", r"^(?:help|hilfe|ayuda|aide|what (?:else )?can (?:you|i) (?:do|ask|answer)\b.*|who are you|what are "
     r"you)$"),
    ("restock", rf"{_PLEASE}(?:restock|reorder|replenish|buy|purchase|(?:place|make) an order (?:of|for)|order|"
     rf"bestellen?"
     r"|pide|compra|commande[rz]?)\b(?! ?(?:points?|levels?|quantit\w*|status|list|history|value|number|by|from|of|"
     r"is|are)\b)"),
    ("assumption", r"\b(?:what if|what happens if|suppos\w+|assum\w+|was (?:ist|ware|passiert),? wenn|que pasa si|"
     r"et si|y si)\b"),
    ("authority", rf"{_PLEASE}(?:{_ACTION})\b"),
    ("changes", r"\b(?:chang(?:ed|es)|happened|what s new|history|audit\w*|geandert|passiert|cambi\w+|paso|"
     r"change)\b|\bdo\b$"),
    ("reviews", r"\b(?:reviews?|approv\w+|reject\w*|pending|wait\w*|decid\w+|freigabe\w*|genehmig\w+|pruf\w+|warte\w*|"
     r"aprob\w+|revisi\w+|revisar|esper\w+|pendient\w*|attend\w*|approuv\w*|approbation|valid\w+)\b"),
    ("late", r"\b(?:late|overdue|delayed|past due|behind|verspatet\w*|uberfallig\w*|spat|retras\w+|atrasad\w+|"
     r"vencid\w+|"
     r"en retard|retard)\b"),
    ("arrivals", r"\b(?:arriv\w+|come in|coming|deliver(?:y|ies|ed)?|inbound|incoming|eta|due|liefer(?!ant)\w+|"
     r"ankommen|kommt|lleg\w+|"
     r"livr\w+)\b"),
    ("runs_out", r"\b(?:runn?(?:s|ing)? (?:out|low)|stock ?-?outs?|out of stock|short(?:est|age)?|last longest|days "
     r"left|"
     r"ausgeht|aus ?gehen|geht\b.*\baus|ausverkauft|agot\w+|acab\w+|quiebra|rupture|epuis\w+|manqu\w+)\b|"
     r"(?<=days_left_at_most)$"),
    ("too_much", r"\b(?:too much|overstock\w*|excess\w*|surplus|too many|zu viel|uberbestand|exceso|sobra\w*|demasiado|"
     r"trop|surstock\w*)\b"),
    ("to_order", r"\b(?:to (?:re)?order|to place|to buy|should|needs?|must|have to|muss\w*|soll\w*|debo|debemos|"
     r"dois|faut)\b"
     r"(?: values?)?"),
    ("orders", r"\b(?:did (?:we|i|you) order|"
        r"purchase orders?|on order|orders|pos?|ordered|placed|offene|bestellungen|bestellt|pedidos|"
     r"ordenes|commandes|commande en cours)\b(?= value)?"),
    ("to_order", r"\b(?:to (?:re)?order|(?:re)?order(?:ing)?|should|needs?|must|have to|restock|replenish\w*|buy|"
     r"bestell\w*|"
     r"nach ?bestell\w*|muss\w*|pedir|pedido|debo|comprar|commander|acheter|dois|faut)\b(?: values?)?"),
    ("stock_value", r"\b(?:inventory|stock|bestand|inventario|stocks?) ?(?:value|worth|wert|tied up)|"
     r"\b(?:money|capital|cash) (?:is )?(?:tied up|bound) in (?:the |our )?(?:stock|inventory)\b|(?:value|worth|"
     r"wert|valor|"
     r"valeur) (?:of|des|de|du) (?:the |our |all |el |la |le |lager)?(?:inventory|stock|bestand\w*|inventario)|"
     r"lagerwert\b"),
    ("suppliers", r"\b(?:supplier terms|terms (?:of|with)|suppliers?|vendors?|lieferant\w*|proveedor\w*|"
     r"fournisseurs?)\b"),
    ("products", r"\b(?:products?|items?|skus?|articles?|catalogue?|produkte?|artikel|productos?|articulos|"
     r"produits?)\b"),
)  # fmt: skip
"""Kinds of questions by their keywords; the first that fits."""
WEAK = frozenset({"suppliers", "products", "orders", "arrivals", "product", "changes"})
"""Kinds that a mere noun names. With a word that nobody knows they are refused."""
TOPICS = {
    "reorder_point": "reorder (?:point|level)|meldebestand|punto de (?:re)?pedido|point de commande",
    "safety_stock": "safety stock|sicherheitsbestand|stock de seguridad|stock de securite",
    "order_quantity": "order quantity|order size|eoq|economic order",
    "forecast": "forecast|demand|nachfrage|bedarf|demanda|demande",
    "lead_time": "lead[ -]?time|lieferzeit|plazo|delai",
    "service_level": "service ?level|servicegrad|nivel de servicio",
    "confidence": "confidence|konfidenz|confianza",
    "demand_class": "demand class|lumpy|intermittent|erratic",
    "inventory_position": "inventory position",
    "lost_revenue": "lost revenue",
}
DANGER = re.compile(
    r"\b(?:not|no|never|without|except|excluding|other|others|than|less|more|fewer|under|over|below|above|between|but|"
    r".*[%$€£].*|hasn|nicht|kein\w*|ohne|ausser|weniger|mehr|sin|excepto|menos|mas|sans|pas|sauf|plus|moins|next|"
    r"tomorrow|unless|minimum|maximum|average|worst|best|smallest|lowest|fastest)\b"
)
"""Words that turn a question round. One that is left over is never passed over."""
_AND = re.compile(r" (?:and|or|vs|versus|und|oder|y|et|ou|compared (?:to|with)|,|&) ")
IDLE = frozenset(
    """
    a about acheter actual actually advise after again ahead ahora ai al all alle already also am amount an and any
    anything anyway are artikel as asap ask at attend auf aujourd available avec avons be been bei being bestand
    bestelle bestellen bestellung bestellungen bitte boss bring by calculate can ce cette check commande commander
    commandes como compare comprar con cost costs could cover cual cuales cuando cuanta cuanto cuantos currently d
    dans das day days de dear debemos debo del deliveries delivery dem den der des details devons did die dime display
    do does dois donde done du each ein eine einen either el en enough es est esta estan et every everything exactly
    far faut favor find first following for fournisseur fournisseurs from fur get gibt give go going got habe haben
    had happen happening has hat have having hay held hello help here heute hey hi hold how hoy hui i ich if il im in
    information into inventario inventory is ist item items j je jetzt just kann keep kept kindly know l la lager las
    last lasts le left les let lieferant lieferanten like list lista liste ll long look los maintenant many may me
    mean mein mes mi mir mis mit moi money montre morning most much muestra muestrame muss mussen my necesitamos
    necesito need needs noch nos nous now nuestro o oder of ok okay on one ones only open or orden ordenes order
    ordered ordering orders ou our out overall overview own para pedido pedidos pedir per place please pls por pour
    premier premiere present presently price primero primeros product producto productos products produit produits
    produkt produkte proveedor proveedores purchase qu quand quantity que quel quelle quelles quels question qui quick
    quickly quien quoi re really recommend recommended reorder reordering reorders replenish replenishing required
    restock restocking right rupture s se see send sera shall should show sind sir so soll sollte sollten some son
    sont soon status still stock stocked suggest suggested sum supplied supplier suppliers supplies supply sur t take
    team tell tenemos tengo than thank thanks that the their them then there these they thing things think this those
    time to today tonight total totals two un una und une unit units uns until up urgent urgently us use va value ve
    vendor vendors versus viel viele vom von vont vs wann want was we welche welcher welches wer werden were what
    whats when where which who whom whose wie will wir wird with wo wonder wondering work worth would y yet you your
    zeig zeige zuerst zum zur
    """.split()  # noqa: SIM905
)
_SPOKEN = {
    "de": re.compile(
        r"\b(?:was (?:ist|geht|muss|soll|wartet|kommt|hat)|welche\w*|sind|wie|viel|ich|wir|nicht|und|bitte|heute|"
        r"zeig\w*|"
        r"warum|wann|seit|gestern|wer|wo)\b"
    ),
    "es": re.compile(
        r"\b(?:que|pedidos?|de la|de los|cual\w*|cuando|donde|cuant\w*|los|las|el|por|hoy|tengo|tenemos|muestra\w*|"
        r"esta|debo)\b"
    ),
    "fr": re.compile(
        r"\b(?:quel\w*|quoi|quand|les|des|est|sont|dois|nous|aujourd|pourquoi|combien|montre\w*|faut|je)\b"
    ),
}


@dataclass(frozen=True)
class Asked:
    """What a message asks."""

    kind: str = ""
    """Empty where no keyword says it."""
    slots: Slots = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    """The words of each slot."""
    parts: tuple[str, ...] = ()
    """Words that are left, divided by "and" and commas. Names, if the tools know them."""
    topic: str = ""
    """The figure that is asked about."""
    language: str = "en"
    begins_like_a_follow_up: bool = False

    @property
    def words(self) -> str:
        return " ".join(self.parts)


def nearly_idle(word: str) -> str:
    """The idle word that this one is a slip of; empty if none is."""
    same = [idle for idle in IDLE if len(idle) > 4 and idle[0] == word[:1]] if len(word) > 3 else []
    best = process.extractOne(word, same, scorer=OSA.distance, score_cutoff=1)
    return best[0] if best else ""


def read(message: str) -> Asked:
    """
    >>> asked = read("Top 5 to order in Dallas by value?")
    >>> asked.kind, asked.slots, asked.parts
    ('to_order', {'sort': 'value', 'limit': 5}, ('dallas',))
    """
    text = re.sub(
        r"-(?=(?:je|nous|vous|ce|il|on|t|moi)\b)",
        " ",
        re.sub(r"n['’]t\b", " not", fold(re.sub(r"</?[a-z_]+>", " ", message))),
    )
    text = re.sub(r"(?<!\d),|,(?!\d{3})", " , ", re.sub(r"[^\w\s.,%$€£<>=+&/-]|[.](?=\s|$)", " ", text))
    text = whole = " ".join(text.split())
    slots: Slots = {}
    said: dict[str, str] = {}
    for pattern, reader in _SLOTS:
        if match := re.search(pattern, text):
            between = match.groupdict().get("between")
            found = reader([each for each in match.groups() if each and each != between])
            if not found.keys() & slots.keys():
                slots |= found
                said |= dict.fromkeys(found, match[0].strip() or match[1])
                text = " ".join(f"{text[: match.start()]} {between or ''} {text[match.end() :]}".split())
    topic = next((name for name, words in TOPICS.items() if re.search(rf"\b(?:{words})s?\b", text)), "")
    text = re.sub(rf"\b(?:{TOPICS[topic]})s?\b", " ", text) if topic else text
    kind, text = _kind(whole, text, slots)
    parts = (" ".join(word for word in part.split() if word not in IDLE) for part in _AND.split(f" {text} "))
    spoken = {language: len(pattern.findall(whole)) for language, pattern in _SPOKEN.items()}
    language = max(spoken, key=lambda each: spoken[each])
    follows = bool(re.match(r"(?:and|what about|how about|only|also|und|y|et|or|then)\b", whole))
    parts_left = tuple(filter(None, map(str.strip, parts)))
    return Asked(kind, slots, said, parts_left, topic, language if spoken[language] else "en", follows)


def _kind(whole: str, text: str, slots: Slots) -> tuple[str, str]:
    """The kind, and the text without its keywords."""
    named = next((name for name in ("review_id", "number") if name in slots), "")
    assumed = slots.keys() & {
        "lead_time_days",
        "demand_uplift",
        "service_level",
        "review_period_days",
        "on_hand",
        "quantity",
    }
    if "days_late" in slots and re.search(r"\b(?:if|suppose|assum\w+|wenn|si|falls)\b", whole):
        assumed = assumed | {"days_late"}
    fitting = (each for each in _KINDS if re.search(each[1], whole if each[1].startswith("^") else text))
    kind, pattern = next(fitting, ("", "$^"))
    if kind not in ("authority", "restock") and named:
        return named, re.sub(pattern, " ", text)
    if kind != "authority" and assumed:
        kind = "what_if"
        text = re.sub(
            r"\b(?:promotion\w*|if|suppos\w*|assum\w*|becom\w*|go\w*|went|ris\w*|increas\w*|were|wenn|si)\b", " ", text
        )
    elif kind in ("", "to_order") and slots.keys() & {"since", "until", "period"} and slots.get("period") != "today":
        kind = "orders" if re.search(r"\b(?:order|bestell|pedid|command)\w*", text) and not kind else kind
    elif "days_left_at_most" in slots and kind in ("", "products", "to_order"):
        kind = "runs_out" if kind != "to_order" else kind
    return kind, re.sub(pattern, " ", text)
