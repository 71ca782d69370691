"""What in a text may name a product or a place: the words left over once ordinary language is taken out."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from agent.rules.vocabulary import ARTICLES, COUNTED, ORDINARY, SET_PHRASES, SITE_WORDS, phrases
from tools.records.text import clean_text

READ_CHARACTERS = 800
Role = Literal["product", "place", "source"]

REFERENCE = re.compile(r"\b(?:rv|po|tr|run|so)-[\w-]*\d[\w-]*", re.IGNORECASE)
_WORD = re.compile(r'"(?P<quoted>[^"]{1,80})"|\w+(?:[-.]\w+)*|[^\s\w]')
_LETTER = re.compile(r"[^\W\d_]")
_PLACE_BEFORE = frozenset(("at", "in", "@", "warehouse", "location", "site", "depot"))
_MOVING = phrases("transfer / move / moving / send / ship")
_CONTRACTIONS = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"[’‘]", "'"),
        (r"[“”„«»]", '"'),
        (r"\b(let)'s\b", r"\1s"),
        (r"\b(what|that|it|how|where|when|who|there|here|which)'s\b", r"\1 is"),
        (r"\bwon't\b", "will not"),
        (r"\bcan't\b", "can not"),
        (r"n't\b", " not"),
        (r"'re\b", " are"),
        (r"'ve\b", " have"),
        (r"'ll\b", " will"),
        (r"'d\b", " would"),
        (r"\bi'm\b", "i am"),
        (r"'s\b|(?<=s)'(?=\s|$)", ""),
        (r"\bre-(?=order|stock|plenish|supply)", "re"),
    )
)


@dataclass(frozen=True)
class Mention:
    """Neighbouring words that are not ordinary language, as typed, with their place in the text."""

    text: str
    start: int
    end: int
    role: Role = "product"

    @property
    def looks_like_id(self) -> bool:
        return "_" in self.text or (self.text.isupper() and len(self.text) > 2)

    @property
    def is_written_out(self) -> bool:
        """STEEL_SHEETS, as the catalogue has it."""
        return "_" in self.text and self.text.isupper()


def normalised(text: str) -> str:
    """One line, contractions opened, so that patterns need to know one spelling only."""
    plain = clean_text(text, limit=READ_CHARACTERS)
    for pattern, replacement in _CONTRACTIONS:
        plain = pattern.sub(replacement, plain)
    return plain


def barred(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with these spans, order numbers and set phrases barred out; all positions stay."""
    for start, end in [*spans, *(found.span() for found in REFERENCE.finditer(text))]:
        text = text[:start] + "|" * (end - start) + text[end:]
    return SET_PHRASES.sub(lambda found: "|" * len(found.group()), text)


def mentions(text: str) -> Iterator[Mention]:
    """An id that is written out stands alone, whatever word is beside it."""
    words = list(_WORD.finditer(text))
    start: int | None = None
    for i in range(len(words) + 1):
        if start is not None and (_is_written_out(words[i - 1]) or (i < len(words) and _is_written_out(words[i]))):
            yield _mention(text, words, start, i)
            start = None
        if i < len(words) and (_names_something(words[i]) or (start is not None and _ends_name(words, i))):
            start = i if start is None else start
        elif start is not None:
            yield _mention(text, words, start, i)
            start = None


def _is_written_out(word: re.Match[str]) -> bool:
    return "_" in word.group() and word.group().isupper()


def _names_something(word: re.Match[str]) -> bool:
    text = word.group()
    ordinary = text.lower() in ORDINARY or text.lower() in SITE_WORDS
    return bool(word["quoted"]) or (bool(_LETTER.search(text)) and not ordinary)


def _ends_name(words: Sequence[re.Match[str]], i: int) -> bool:
    """A number directly after a name, as in "wood screws 50", unless it counts something."""
    counts = i + 1 < len(words) and words[i + 1].group().lower() in COUNTED
    return words[i].group()[0].isdigit() and not counts


def _mention(text: str, words: Sequence[re.Match[str]], start: int, end: int) -> Mention:
    first, last = words[start], words[end - 1]
    name = first["quoted"] if first["quoted"] and start == end - 1 else text[first.start() : last.end()]
    before = [word.group().lower() for word in words[max(0, start - 3) : start]]
    after = words[end].group().lower() if end < len(words) else ""
    return Mention(name.strip(), first.start(), last.end(), _role(before, after, text))


def _role(before: Sequence[str], after: str, text: str) -> Role:
    lead = next((word for word in reversed(before) if word not in ARTICLES), "")
    if lead in _PLACE_BEFORE or after in SITE_WORDS:
        return "place"
    if lead == "to" and _MOVING.search(text.lower()):
        return "place"
    return "source" if lead in ("from", "by", "via") else "product"
