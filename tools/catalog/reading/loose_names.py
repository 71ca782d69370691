"""Column names that say a known name in more words or fewer: "Letzter EK netto" is EK, "Kd.-Nr." is Kundennummer."""

import re
import unicodedata
from functools import cache
from itertools import product

SHORT = {
    "art": ("artikel",),
    "bel": ("beleg",),
    "best": ("bestell",),
    "bez": ("bezeichnung",),
    "dat": ("datum",),
    "deb": ("debitor", "debitoren"),
    "einh": ("einheit",),
    "kd": ("kunden", "kunde"),
    "kred": ("kreditor", "kreditoren"),
    "lief": ("lieferant", "lieferanten"),
    "ls": ("lieferschein",),
    "mat": ("material",),
    "mg": ("menge",),
    "min": ("mindest", "minimum"),
    "re": ("rechnungs", "rechnung"),
    "rech": ("rechnungs", "rechnung"),
    "rg": ("rechnungs", "rechnung"),
    "std": ("standard",),
    "verp": ("verpackungs",),
    "cant": ("cantidad",),
    "prov": ("proveedor",),
    "fourn": ("fournisseur",),
    "qte": ("quantite",),
    "supp": ("supplier",),
    "amt": ("amount",),
}
"""Words that systems shorten, and what they may be short for."""
ENDINGS = {"mg": "menge", "mge": "menge", "dat": "datum", "einh": "einheit", "bez": "bezeichnung"}
"""The same at the end of a compound: Mindestbestellmg."""
_DELIVERY = "expected|confirmed|planned|estimated|promised|agreed|latest|voraussichtl|erwart|erw$|bestatigt|bestaetigt"
_DELIVERY += "|geplant|gepl$|zugesagt|vereinbart|previst|confirmad|estimad|prometid|prevu|confirme|estime|promis"
_MONEY = "last$|latest|average|avg$|net$|current|letzte|mittlere|durchschn|netto|aktuell|akt$|ultim|medio$|neto$|actual"
_MONEY += "|dernier|moyen|actuel|por$|pour$"
_MONEY += "|eur$|euro$|usd$|gbp$|chf$|pro$|je$|per$|par$|ttc$|ht$|stuck$|stueck$|stk$|10{0,4}$"
_COUNT = "current|actual|physical|total|aktuell|akt$|physisch|phys$|gesamt$|tatsachlich|fisic|actuel|physique"
_COUNT += "|stk$|stuck$|stueck$|st$|me$|pcs$|units$|uds$"
_USUAL = "standard|default|usual|main$|preferred|primary|bevorzugt|haupt$|habitual|principal"
_OF_ROLES = {"due_date": _DELIVERY, "supplier": _USUAL, "location": "code$"}
_OF_ROLES |= dict.fromkeys(("unit_price", "price", "minimum_order_value", "free_freight_value"), _MONEY)
_OF_ROLES |= dict.fromkeys(("on_hand", "quantity", "minimum_order_quantity", "order_multiple"), _COUNT)
_OF_ROLES |= dict.fromkeys(("currency", "unit"), "code$")
_OF_ROLES |= dict.fromkeys(("name", "supplier_name", "category"), "1$")
_OF_ROLES["lead_time_days"] = "average|avg$|usual|durchschn|mittlere|medio$|moyen"
QUALIFIERS = {role: re.compile(words) for role, words in _OF_ROLES.items()}
"""Words by role that a name may have beside what it says. In other roles they may say something else: the last day of
a sale is no day of a sale."""


@cache
def loose(name: str, role: str) -> tuple[str, ...]:
    """Names that a column's name may stand for in this role, as `plain` writes them; its own is not among them."""
    words = _words(name)
    kept = [word for word in words if not (role in QUALIFIERS and QUALIFIERS[role].match(word))]
    found = dict.fromkeys("".join(parts) for some in (words, kept) for parts in product(*map(_whole, some)))
    return tuple(each for each in found if each and each != "".join(words))


def _words(name: str) -> list[str]:
    """Words in small letters, without accents; ArtikelNr is two."""
    apart = re.sub(r"(?<=[a-zäöüß])(?=[A-ZÄÖÜ][a-z])", " ", name)
    flat = unicodedata.normalize("NFKD", apart.casefold().replace("ß", "ss"))
    return re.findall(r"[0-9]+|[a-z]+", "".join(letter for letter in flat if not unicodedata.combining(letter)))


def _whole(word: str) -> tuple[str, ...]:
    """What a word may be short for; else the word."""
    if word in SHORT:
        return SHORT[word]
    ending = next((short for short in ENDINGS if word.endswith(short) and len(word) > len(short) + 3), None)
    return (word.removesuffix(ending) + ENDINGS[ending],) if ending else (word,)
