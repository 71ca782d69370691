"""The what-if figures in a question: "with 99 % and a lead time of three weeks", "if demand doubles"."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

_WORDS = {
    "a": 1.0, "an": 1.0, "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "seven": 7.0,
    "eight": 8.0, "nine": 9.0, "ten": 10.0, "eleven": 11.0, "twelve": 12.0, "fifteen": 15.0, "twenty": 20.0,
    "thirty": 30.0, "forty": 40.0, "fifty": 50.0,
}  # fmt: skip
_UNIT_DAYS = {"hour": 1 / 24, "hr": 1 / 24, "d": 1.0, "day": 1.0, "week": 7.0, "wk": 7.0, "fortnight": 14.0,
              "month": 30.0, "year": 365.0}  # fmt: skip
_WORKING_DAY = 7 / 5
"""Calendar days in a working day, five of which make a week."""

_SPELT = "|".join(sorted(_WORDS, key=len, reverse=True))
_NUMBER = rf"(?:\d+(?:[.,]\d+)?|{_SPELT})"
_DURATION = (
    rf"(?<![\w.,])(?:(?P<length>\d+(?:[.,]\d+)?)[\s-]*|(?P<spelt>{_SPELT})[\s-]+)"
    r"(?P<working>(?:working|business|calendar)[\s-]+)?"
    r"(?P<unit>hours?|hrs?|days?|d|weeks?|wks?|fortnights?|months?|years?)\b"
)
_PERCENT = rf"(?P<sign>[+-]\s?)?(?<![\w.,])(?P<percent>{_NUMBER})\s*(?:%|per\s?cents?\b|percentage points?\b|pct\b)"
_SHARE = r"(?<![\w.,])(?P<share>0?\.\d+)(?![\w%])(?!\s*(?:%|x\b|times\b))"
_TIMES = rf"(?<![\w.,])(?P<times>{_NUMBER})\s?(?:x|times)(?!\w)|\bby a factor of (?P<factor>{_NUMBER})"
_WORD_FACTOR = (
    r"\b(?P<word>doubl\w+|twice|tripl\w+|trebl\w+|quadrupl\w+|halv\w+|half|(?:by )?a (?:third|quarter|half))\b"
)
_BARE = r"(?<![\w.,%-])(?P<bare>\d+(?:[.,]\d+)?)(?![\w%]|[.,]\d|\s*(?:%|units?\b|pcs\b|pieces\b))"
_FIGURE = re.compile("|".join((_PERCENT, _DURATION, _TIMES, _SHARE, _WORD_FACTOR, _BARE)), re.IGNORECASE)

_LEAD_TIME = (
    r"lead[\s-]?times?|replenishment times?|(?P<delivery>deliver\w*|suppliers?|vendors?|ship(?:s|ping|ments?)?|transit"
    r"|delay(?:s|ed)?|arriv(?:es?|als?|ing))"
)
_DEMAND = r"demands?|sales?|sell(?:s|ing)?|sold|usage|consum(?:es?|ed|ing|ption)|offtake|uplift|turnover"
_SERVICE = r"service[\s-]?levels?|service|availability|sure|csl|certain(?:ty)?|probability"
_OTHER = r"prices?|costs?|budget|stock|moq|minimum|multiple|discount|confidence|forecast error"
_TOPIC = re.compile(
    rf"\b(?:(?P<lead>{_LEAD_TIME})|(?P<demand>{_DEMAND})|(?P<service>{_SERVICE})|(?P<other>{_OTHER}))\b", re.IGNORECASE
)
_CLAUSE_END = re.compile(r"\b(?:and|but|plus|while|with)\b|[;?!]|,(?!\d)|\.(?!\d)", re.IGNORECASE)

_DIRECTION = re.compile(
    r"(?P<down>\b(?:falls?|fell|falling|drops?|dropp(?:ed|ing)|decreas\w+|declin\w+|shrinks?|down|lower|less|fewer|cuts?"
    r"|reduc(?:es?|ed|ing|tion)|slumps?|short(?:er|ens?|ened)?|fast(?:er)?|quick(?:er)?|earl(?:y|ier)|sooner)\b|[-−]\s?(?=\d))"
    r"|(?P<up>\b(?:ris(?:es?|en|ing)|rose|increas\w+|grow(?:s|n|ing|th)?|grew|up|jumps?|jumped|climbs?|gains?|more|high(?:er)?"
    r"|extra|additional|surg(?:es?|ed|ing)|spikes?|late(?:r)?|long(?:er)?|slow(?:er)?|delay(?:s|ed)?|extend(?:s|ed)?|uplift"
    r"|above|boosts?|added|another)\b|[+]\s?(?=\d))",
    re.IGNORECASE,
)
_TO = re.compile(r"\bto\s+(?:only |about |around |roughly |just )?$", re.IGNORECASE)
_OLD_VALUE = re.compile(
    r"\b(?:instead of|rather than|not|from|than|currently)\s+(?:the (?:usual |present )?)?$", re.IGNORECASE
)
_ADDED_BEFORE = re.compile(
    r"(?:\bby(?: about| around)?|\bdelay(?:ed|s)?(?: of| by)?|\banother|\bextra|\badditional|[+]"
    r"|\b(?:increas|ris|grow|extend|drop|fall|shorten|decreas)\w*)\s*$",
    re.IGNORECASE,
)
_ADDED_AFTER = re.compile(
    r"^\s*(?:of )?(?:longer|later?|more|extra|slower|delay|short(?:er)?|less|early|earlier|faster|sooner|quicker)\b",
    re.IGNORECASE,
)
_HYPOTHESIS = re.compile(
    r"\b(?:if|with|at|suppos\w+|assum\w+|imagine|(?:what|how) about|given|using|say|and|but|when the|in case|were)\b",
    re.IGNORECASE,
)
_FIGURES_READ = 12
_REACH = 80
"""Characters before and after a figure within which its subject is looked for."""
_BRIEF = 7
"""Words up to which a lone duration, as in "and with three weeks?", can only be meant for the lead time."""


@dataclass(frozen=True)
class Assumptions:
    """What a question changes. A lead time may be stated relative to the present one."""

    service_level: float | None = None
    lead_time_days: float | None = None
    lead_time_added: float | None = None
    lead_time_factor: float | None = None
    demand_uplift: float | None = None

    def __bool__(self) -> bool:
        return any(value is not None for value in vars(self).values())

    @property
    def relative(self) -> bool:
        """The lead time can be named only once the present one is known."""
        return self.lead_time_added is not None or self.lead_time_factor is not None

    def over(self, earlier: "Assumptions") -> "Assumptions":
        """These, and where they say nothing, the earlier ones."""
        mine = {name: value for name, value in vars(self).items() if value is not None}
        if any(name.startswith("lead_time") for name in mine):
            earlier = replace(earlier, lead_time_days=None, lead_time_added=None, lead_time_factor=None)
        return replace(earlier, **mine)

    def arguments(self, present_lead_time: float | None = None) -> dict[str, float]:
        """The calculator's arguments for them."""
        lead_time = self.lead_time_days
        if present_lead_time is not None and self.relative:
            lead_time = present_lead_time * (self.lead_time_factor or 1) + (self.lead_time_added or 0)
            lead_time = round(max(lead_time, 0.0), 4)
        named = {
            "service_level": self.service_level,
            "lead_time_days": lead_time,
            "demand_uplift": self.demand_uplift,
        }
        return {name: float(value) for name, value in named.items() if value is not None}


NOTHING_ASSUMED = Assumptions()


@dataclass(frozen=True)
class Reading:
    """The assumptions, and where in the text their figures stood."""

    assumptions: Assumptions
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Figure:
    """A number in its clause."""

    found: re.Match[str]
    before: str
    after: str
    topic: str | None
    hypothetical: bool
    brief: bool

    @property
    def direction(self) -> int:
        """+1 for more, -1 for less, 0 where the clause says neither. The last word before the figure counts first."""
        said = [
            *reversed(list(_DIRECTION.finditer(self.before + self.found.group()))),
            *_DIRECTION.finditer(self.after),
        ]
        return 0 if not said else (-1 if said[0].lastgroup == "down" else 1)

    @property
    def relative(self) -> bool:
        return bool(_ADDED_BEFORE.search(self.before) or _ADDED_AFTER.search(self.after))


def read_assumptions(text: str) -> Reading:
    """What a question assumes. Figures whose meaning is not plain are left alone rather than guessed at."""
    assumptions, spans = Assumptions(), []
    for figure in _figures(text):
        kind = next(name for name in _READERS if figure.found[name] is not None)
        read = _READERS[kind](figure)
        if read:
            spans.append(figure.found.span())
        if not _OLD_VALUE.search(figure.before):
            assumptions = read.over(assumptions)
    return Reading(assumptions, tuple(spans))


def _figures(text: str) -> Iterator[_Figure]:
    hypothetical, brief = bool(_HYPOTHESIS.search(text)), len(text.split()) <= _BRIEF
    ends = [0, *(cut.end() for cut in _CLAUSE_END.finditer(text))]
    for found in islice(_FIGURE.finditer(text), _FIGURES_READ):
        start = max(end for end in ends if end <= found.start())
        cut = _CLAUSE_END.search(text, found.end())
        before, after = text[start : found.start()], text[found.end() : cut.start() if cut else len(text)]
        before, after = before[-_REACH:], after[:_REACH]
        yield _Figure(found, before, after, _topic(before, found.group(), after), hypothetical, brief)


def _topic(before: str, figure: str, after: str) -> str | None:
    """What a figure is about: the nearest subject named in its clause. Delivery words are weaker than `lead time`."""
    *_, ahead = [None, *_TOPIC.finditer(before)]
    near: re.Match[str] | None = _TOPIC.search(after)
    if ahead is not None and (near is None or len(before) - ahead.end() <= near.start()):
        near = ahead
    near = near or _TOPIC.search(figure)
    if near is None:
        return None
    return "delivery" if near["delivery"] else near.lastgroup


def _value(text: str) -> float:
    lowered = text.lower()
    return _WORDS[lowered] if lowered in _WORDS else float(lowered.replace(",", "."))


def _percent(figure: _Figure) -> Assumptions:
    share = round(_value(figure.found["percent"]) / 100, 6)
    if figure.topic == "service":
        return Assumptions(service_level=share)
    if figure.topic == "lead":
        return Assumptions(lead_time_factor=round(1 + (figure.direction or 1) * share, 6))
    if figure.topic == "demand" or (figure.topic is None and figure.direction):
        return _demand_change(figure, share)
    if figure.topic is None and share >= 0.5:
        return Assumptions(service_level=share)
    return Assumptions()


def _demand_change(figure: _Figure, share: float) -> Assumptions:
    if _TO.search(figure.before) or (not figure.direction and share >= 0.5):
        return Assumptions(demand_uplift=share)
    return Assumptions(demand_uplift=round(1 + figure.direction * share, 6)) if figure.direction else Assumptions()


def _duration(figure: _Figure) -> Assumptions:
    unit = figure.found["unit"].lower()
    per_unit = _UNIT_DAYS[unit if unit in _UNIT_DAYS else unit.removesuffix("s")]
    working = (figure.found["working"] or "").lower().startswith(("working", "business"))
    length = round(
        _value(figure.found["length"] or figure.found["spelt"])
        * per_unit
        * (_WORKING_DAY if working and per_unit == 1 else 1),
        2,
    )
    meant = figure.topic == "lead" or (
        figure.hypothetical and (figure.topic == "delivery" or (figure.topic is None and figure.brief))
    )
    return _lead_time(figure, length) if meant else Assumptions()


def _lead_time(figure: _Figure, length: float) -> Assumptions:
    if figure.relative and not _TO.search(figure.before):
        return Assumptions(lead_time_added=(figure.direction or 1) * length)
    return Assumptions(lead_time_days=length)


def _times(figure: _Figure) -> Assumptions:
    return _factor(figure, _value(figure.found["times"] or figure.found["factor"]))


def _factor(figure: _Figure, factor: float) -> Assumptions:
    if figure.topic in ("lead", "delivery"):
        return Assumptions(lead_time_factor=factor)
    if figure.topic == "demand" or (figure.topic is None and figure.hypothetical):
        return Assumptions(demand_uplift=factor)
    return Assumptions()


def _word(figure: _Figure) -> Assumptions:
    word = figure.found["word"].lower()
    part = {"third": 0.333333, "quarter": 0.25, "half": 0.5}.get(word.split()[-1])
    if part is not None and (figure.direction or " " in word):
        return _factor(figure, round(1 + (figure.direction or 1) * part, 6))
    factors = {"doub": 2.0, "twic": 2.0, "trip": 3.0, "treb": 3.0, "quad": 4.0}
    return _factor(figure, factors.get(word[:4], 0.5))


def _share(figure: _Figure) -> Assumptions:
    share = float(figure.found["share"])
    if figure.topic == "demand":
        return Assumptions(demand_uplift=share) if "uplift" in figure.before.lower() else Assumptions()
    plain = figure.topic is None and figure.hypothetical and share >= 0.5
    return Assumptions(service_level=share) if figure.topic == "service" or plain else Assumptions()


def _bare(figure: _Figure) -> Assumptions:
    value = _value(figure.found["bare"])
    if figure.topic == "service":
        return Assumptions(service_level=value if value <= 1 else round(value / 100, 6))
    if figure.topic == "lead":
        return _lead_time(figure, value)
    if figure.topic == "demand" and "uplift" in figure.before.lower():
        return Assumptions(demand_uplift=value)
    return Assumptions()


_READERS: dict[str, Callable[[_Figure], Assumptions]] = {
    "percent": _percent,
    "unit": _duration,
    "times": _times,
    "factor": _times,
    "share": _share,
    "word": _word,
    "bare": _bare,
}
