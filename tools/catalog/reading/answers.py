"""Yes and no as people write them in a column of marks."""

from functools import cache

from tools.catalog.reading.periods import fold

YES = {"true", "t", "yes", "y", "x", "ja", "j", "wahr", "si", "s", "oui", "o", "vrai", "verdadero"}
YES |= {
    "out",
    "sold out",
    "stockout",
    "stock out",
    "out of stock",
    "oos",
    "ausverkauft",
    "nicht lieferbar",
    "fehlbestand",
}
YES |= {"agotado", "sin stock", "rupture", "en rupture", "rupture de stock"}
NO = {"", "false", "f", "no", "n", "nein", "falsch", "non", "faux", "falso"}
NO |= {"in", "in stock", "available", "lieferbar", "auf lager", "verfugbar", "disponible", "en stock"}


@cache
def answer(text: str) -> bool | None:
    """None for a word that is neither. An empty cell is a no, and a number that is not 0 a yes.

    >>> answer("Ja"), answer("0,0"), answer("perhaps")
    (True, False, None)
    """
    word = fold(text).rstrip(".!")
    if word in YES or word in NO:
        return word in YES
    try:
        return float(word.replace(",", ".")) != 0
    except ValueError:
        return None


def is_promoted(text: str) -> bool:
    """Any word but a no: it may be the name of a promotion."""
    return answer(text) is not False
