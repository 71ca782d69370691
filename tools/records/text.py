"""Text from outside, made safe to show: what a person cannot see, a model must not read either."""

import unicodedata

# Invisible characters that Unicode does not class as control or format characters: combining grapheme joiner, Hangul
# fillers, Khmer inherent vowels, the empty braille pattern, Mongolian and general variation selectors.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    chr(code) for block in (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)) for code in block
)
# Control, format (bidi controls, tag characters, zero-width ones), surrogate, private use and unassigned.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def clean_text(text: str, *, limit: int) -> str:
    """One line of visible characters, at most `limit` of them, in composed form (NFC).

    Joiners are stripped as well: an emoji that falls apart costs less than a word that reads two ways.

    >>> clean_text(" Blue\\u202e mug\\U000e0041\\n ", limit=20)
    'Blue mug'
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(_visible(text[: 4 * limit]))
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.split())[:limit].rstrip()


def _visible(text: str) -> list[str]:
    """The characters that remain; a line break or tab becomes a space, so that it still parts words."""
    return [
        " " if character.isspace() else character
        for character in text
        if character.isspace()
        or not (character in _INVISIBLE or unicodedata.category(character) in _INVISIBLE_CATEGORIES)
    ]
