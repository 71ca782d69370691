"""What a planner's words ask. The words themselves are in questions.toml. Nothing here knows the catalogue: words that
are neither a condition, a keyword nor idle are left for the tools, which know names."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA

from tools.asking.words import fold

WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
QUESTIONS: tuple[str, ...] = tuple(WORDS["questions"])
"""Questions that the rules answer as they stand."""
QUESTIONS_WITH_SLOTS: tuple[str, ...] = tuple(WORDS["questions_with_slots"])
"""Questions that the rules answer once a name is put in."""
Slots = dict[str, Any]
Given = Sequence[str]


def number(text: str) -> float:
    """
    >>> number("1,200"), number("5k"), number("1.200.000"), number("1.200,5"), number("three")
    (1200.0, 5000.0, 1200000.0, 1200.5, 3.0)
    """
    whole, mark, decimals, *_ = *re.split(r"([.,])(?=\d+$)", text.removesuffix("k")), "", ""
    if (mark == "," and len(decimals) == 3) or mark in whole:
        whole, decimals = whole + decimals, ""
    plain = re.sub("[.,]", "", whole)
    figure = WORDS["number_words"].get(plain) or float(f"{plain}.{decimals}")
    return float(figure * (1000 if text.endswith("k") and text[0].isdigit() else 1))


def _span(given: Given) -> float:
    figure, unit = given
    days = 7 if unit[0] in "ws" else 30 if unit[0] == "m" else 1
    return (1 if re.match("an?$|ein|un", figure) else number(figure)) * days


def _uplift(given: Given) -> float:
    direction, percent = sorted(given, key=lambda word: word[0].isdigit())
    share = number(percent) / 100
    return round(1 + share if _UP.fullmatch(direction) else 1 - share, 6)


def _day(given: Given) -> Any:
    """As the tools know days. Two are the first and the last."""
    days = [" ".join([*re.findall(r"^\d{1,2}\b|\b\d{1,2}$", _DAY_SIGNS.sub("", each)), _named(each)]) for each in given]
    days = [each if re.match(r"\d{4}-", each) else day for each, day in zip(given, days, strict=True)]
    return tuple(days) if len(days) > 1 else days[0]


def _named(day: str) -> str:
    """The day of the week or the month in it, as the tools call it."""
    [word] = [each for each in day.split() if each.isalpha() and each not in ("of", "de")] or [day]
    return next((name for name, begins in WORDS["days"].items() if word.startswith((name[:3], *begins))), word)


_DAY_SIGNS = re.compile(r"(?<=\d)(?:st|nd|rd|th|[.])")
_DECIDED = {"a": "approved", "r": "rejected", "d": "any"}
READERS: dict[str, Callable[[Given], Any]] = {
    "number": lambda given: number(given[0]),
    "share": lambda given: number(given[0]) / 100,
    "span": _span,
    "range": lambda given: (number(given[0]), number(given[1])),
    "ago": lambda given: f"{_span(given):.0f} days ago",
    "day": _day,
    "day_before": lambda given: f"before {_day(given)}",
    "day_after": lambda given: f"after {_day(given)}",
    "days_of_month": lambda given: tuple(
        _day([f"{number(each):.0f} {given[1].split()[-1]}"])
        for each in (given[0], given[1].split()[0].rstrip("dhnrst."))
    ),
    "word": lambda given: given[0],
    "count": lambda given: max(1, min(20, int(number(given[0])))),
    "uplift": _uplift,
    "times": lambda given: {"t": 3.0, "h": 0.5}.get(given[0][0], 2.0) if given[0] != "twice" else 2.0,
    "ordinal": lambda given: WORDS["ordinals"][given[0]],
    "decided": lambda given: _DECIDED[given[0][0]],
    "decided_by": lambda given: (given[0], _DECIDED[given[1][0]]),
}


def _filled(pattern: str) -> str:
    parts = WORDS["parts"] | WORDS["kinds"]["parts"]
    parts |= {name: "|".join(WORDS[name]) for name in ("number_words", "ordinals")}
    while found := re.search(r"\{([a-z_]+)\}", pattern):
        pattern = pattern.replace(found[0], parts[found[1]])
    return pattern


def _compiled(pattern: str) -> re.Pattern[str]:
    kept = count()
    return re.compile(re.sub(r"\?P<keep>", lambda _: f"?P<keep{next(kept)}>", _filled(pattern)))


_UP = _compiled("{up}")
_CONDITIONS = [(names.split(), reader, _compiled(words)) for names, reader, words in WORDS["conditions"]["each"]]
_WHOLE = [
    (kind, _compiled(words), re.compile("".join(drop) or "(?!)")) for kind, words, *drop in WORDS["kinds"]["whole"]
]
_KEYWORDS = [(kind, pattern := _compiled(words), pattern) for kind, words in WORDS["kinds"]["keywords"]]
_TOPICS = [(topic, re.compile(rf"\b(?:{words})\b")) for topic, words in WORDS["topics"].items()]
_PHRASES = re.compile(rf"\b(?:{'|'.join(WORDS['unused']['phrases'])})\b")
DANGER = re.compile(rf"\b(?:{WORDS['unused']['danger'].replace(chr(10), '')})\b")
NUMBERS = re.compile(_filled(r"(?:(?<=^)|(?<=, ))[\d.,]+k?(?= |$)|\b(?!one\b)(?:{number_words})\b"))
_NAMES = re.compile(WORDS["unused"]["names"])
_FOLLOW_UP = re.compile(WORDS["unused"]["follow_up"])
_NOT = re.compile(r"\b(do|does|did|is|are|was|were|ca|wo|have|has|had|should|would|could|need)n['’]?t\b")
_CODES = {name: re.compile(words) for name, words in WORDS["codes"].items()}
_IF, _SUPPOSING, _NEVER = _compiled(r"\b{if}\b"), _compiled(r"\b{supposing}\b"), re.compile(r"(?!)")
_SPOKEN: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split()) for language, words in WORDS["idle"].items()
}
_NOUNS = {noun: frozenset(words.split()) for noun, words in WORDS["nouns"].items()}
_IDLE = frozenset().union(*_SPOKEN.values())
_IDLE_IN = {each: words.union(_SPOKEN["en"], *_NOUNS.values()) for each, words in _SPOKEN.items()}
_SPELLINGS = _IDLE.union(*_NOUNS.values()) | frozenset(WORDS["unused"]["spellings"].split())


def _names(text: str) -> frozenset[str]:
    """The conditions of a list in questions.toml, where `{name}` stands for one of [takes]."""
    while "{" in text:
        text = re.sub(r"\{(\w+)\}", lambda each: WORDS["takes"][each[1]], text)
    return frozenset(text.split())


TAKES = {name: _names(names) for name, names in WORDS["takes"].items()}


@dataclass(frozen=True)
class Asked:
    """What a message asks."""

    kind: str = ""
    """Empty where no keyword says it."""
    slots: Slots = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)
    """The words of each slot."""
    parts: tuple[str, ...] = ()
    """Words that are left, divided by "and" and commas. Names, if the tools know them."""
    codes: tuple[tuple[str, str], ...] = ()
    """Numbers of orders and ids of reviews, after what the tools call them."""
    nouns: tuple[tuple[str, str], ...] = ()
    """Figures that are asked for, with their words."""
    topic: str = ""
    """The figure that is asked about."""
    language: str = "en"
    follows: bool = False
    """Whether it begins as a follow-up does."""

    @property
    def words(self) -> str:
        return " ".join(self.parts)

    @property
    def is_bare(self) -> bool:
        """Whether it has only conditions that ask the question before once more."""
        return not self.parts and not self.slots.keys().isdisjoint(TAKES["again"])

    @property
    def by(self) -> Mapping[str, Any]:
        """What answers it."""
        return dict(WORDS["answered_by"].get(self.kind or "product", {}))

    @property
    def implied(self) -> str:
        """The kind that conditions alone ask for."""
        marks = self.slots.keys() | {f"{name}={value}" for name, value in self.slots.items()}
        return next((kind for name, kind in WORDS["kinds"]["of_slots"].items() if name in marks), "")

    @property
    def lacking(self) -> list[str]:
        """Words for figures that the answer does not show."""
        return [word for noun, word in self.nouns if noun in _names(self.by.get("lacks", ""))]

    def _among(self, names: frozenset[str]) -> list[str]:
        """Conditions that are among the names, by themselves or with their value."""
        return [name for name, value in self.slots.items() if {name, f"{name}={value}"} & names]

    @property
    def takes(self) -> list[str]:
        return self._among(_names(self.by["takes"]) | TAKES["any"])

    @property
    def passed(self) -> list[str]:
        """Conditions that do not turn the answer round."""
        passes = _names(self.by.get("passes", "")) | (set() if "period" in self.takes else {"period=today"})
        return self._among(passes)


def meant(word: str, language: str = "en") -> str:
    """The known word that this one is a slip of; empty if none is.

    >>> meant("ordr"), meant("helmet")
    ('order', '')
    """
    if len(word) < 4 or word in _SPELLINGS or DANGER.fullmatch(word):
        return ""
    known = _SPOKEN[language] | frozenset(WORDS["unused"]["spellings"].split())
    same = sorted(each for each in known if len(each) > 4 and each[0] == word[0])
    best = process.extractOne(word, same, scorer=OSA.distance, score_cutoff=1)
    return "" if best is None else f"{best[0]}"


def folded(message: str) -> str:
    """The words of a message in small letters, without accents and most signs."""
    text = _NOT.sub(r"\1 not", fold(re.sub(r"</?[a-z_]+>", " ", message)))
    text = re.sub(r"-(?=(?:je|nous|vous|ce|il|on|t|moi)\b)", " ", text)
    text = re.sub(r"[^\w\s.,%$€£<>=+&/-]|[.](?=\s|$)", " ", text)
    return " ".join(re.sub(r"(?<!\d),|,(?!\d{3})", " , ", text).split())


@lru_cache(maxsize=256)  # each step of an answer reads the turns before
def read(message: str) -> Asked:
    """
    >>> asked = read("Top 5 to order in Dallas by value?")
    >>> asked.kind, asked.slots, asked.parts
    ('to_order', {'limit': 5, 'sort': 'value'}, ('dallas',))
    """
    whole = folded(message)
    follows = _FOLLOW_UP.match(whole)
    slots: Slots = {}
    said: dict[str, str] = {}
    codes = tuple((name, code.upper()) for name, words in _CODES.items() for code in words.findall(whole))
    text = " ".join(re.sub("|".join(words.pattern for words in _CODES.values()), " ", whole).split())
    for names, reader, pattern in _CONDITIONS:
        match = None if slots.keys() & names else pattern.search(text)
        if match:
            kept = match.groupdict()
            named = pattern.groupindex.values()
            given = [each for index, each in enumerate(match.groups(), 1) if each and index not in named]
            value = READERS[reader](given) if reader in READERS else reader
            slots |= zip(names, value if isinstance(value, tuple) else [value] * len(names), strict=True)
            said |= dict.fromkeys(names, match[0].strip() or str(value))
            text = f"{text[: match.start()]} {' '.join(filter(None, kept.values()))} {text[match.end() :]}"
            text = " ".join(text.split())
    topic, text = next(((name, words.sub(" ", text)) for name, words in _TOPICS if words.search(text)), ("", text))
    kind, text = _kind(whole, text, slots)
    kind = "codes" if codes and kind not in ("authority", "restock") else kind
    text = _PHRASES.sub(" ", text[follows.end() :] if follows and text.startswith(follows[0]) else text)
    language = _language(whole)
    idle = _IDLE_IN[language]
    parts = (" ".join(word for word in part.split() if word not in idle) for part in _NAMES.split(f" {text} "))
    nouns = tuple((noun, word) for word in text.split() for noun, words in _NOUNS.items() if word in words)
    return Asked(
        kind, slots, said, tuple(filter(None, map(str.strip, parts))), codes, nouns, topic, language, bool(follows)
    )


def _language(text: str) -> str:
    words = [word for word in text.split() if len(word) > 1]
    return max(_SPOKEN, key=lambda language: sum(word in _SPOKEN[language] for word in words))


def _kind(whole: str, text: str, slots: Slots) -> tuple[str, str]:
    """The kind, and the text without its keywords."""
    found = [each for each in _WHOLE if each[1].search(whole)] or [each for each in _KEYWORDS if each[1].search(text)]
    kind, _, dropped = found[0] if found else ("", _NEVER, _NEVER)
    text = dropped.sub(" ", text)
    if kind in ("authority", "restock"):
        return kind, text
    if slots.keys() & TAKES["assumptions"] - {"days_late"} or ("days_late" in slots and _IF.search(whole)):
        return "what_if", _SUPPOSING.sub(" ", text)
    if kind == "reviews" and slots.keys() & {"review_status", "decided_by", "somebody"}:
        kind = "decided"
    return kind, text
