"""Answers a planner's question by the tools of any model. Each kind of question is a script: a generator that yields
calls, is sent their results and returns the answer. It is played anew at each step, over the results so far."""

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from math import copysign
from typing import Any

from langchain_core.messages import BaseMessage

from agent.rules import answers
from agent.rules.questions import DANGER, NUMBERS, TAKES, WORDS, Asked, Slots, folded, meant, read
from agent.rules.transcript import Call, Reply, ToolResult, Turn, read_turns

TURNS_READ, LONGEST, MOST_PRODUCTS = 8, 1_000, 5
KINDS: Mapping[str, Any] = WORDS["answered_by"]
DETAILS = {"number": "get_order", "review_id": "get_review"}
_ROW = re.compile(r"^- (?:\S+: .+? of )?(\S+) \(([^)]+)\)", re.MULTILINE)
_HEADLINE = re.compile(r"^(\S+) at ([^,:]+)(?:, with .+)?(?:: (?:no |order |transfer |a restock)| \(as )", re.MULTILINE)
_ABOUT = re.compile(r"^\S.*, product id ([^\s,:]+)", re.MULTILINE)
Target = tuple[str, str | None]
Found = dict[str, Any]
Steps = Generator[Sequence[Call], Sequence[ToolResult], Any]


class Refused(Exception):
    """There is no honest answer. Its text says why."""


class Misspelt(Exception):
    """Words that nobody knows are slips of words that are known: its first argument."""


def converse(messages: Sequence[BaseMessage], tools: frozenset[str], tool_choice: str | None) -> Reply:
    """The next calls, or the answer."""
    turns = read_turns(messages, last=TURNS_READ)
    if not turns:
        return Reply(text=answers.refusal("", "en"))
    *before, now = turns
    if len(now.question) > LONGEST:
        return Reply(text=answers.refusal(answers.said("too_long", limit=LONGEST), "en"))
    return _played(_answer(now.question, Context(before)), now.results, may_call=tool_choice != "none")


def _played(script: Steps, results: Sequence[ToolResult], *, may_call: bool) -> Reply:
    known = {(result.name, str(result.arguments)): result for result in results}
    try:
        calls = next(script)
        while all((call.name, str(call.arguments)) in known for call in calls):
            calls = script.send([known[call.name, str(call.arguments)] for call in calls])
    except StopIteration as end:
        return Reply(text=end.value)
    missing = tuple(call for call in calls if (call.name, str(call.arguments)) not in known)
    return Reply(calls=missing) if may_call else Reply(text=answers.said("unfinished"))


class Context:
    """What was asked and shown before, read from the questions and the answers."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self.asked, self.words = Asked(), ""
        self.subjects: list[Target] = []
        """The products that the last cards were about, or the only one of a list."""
        self.rows: list[Target] = []
        self.is_card = False
        """Whether the last answer was about products, and no list."""
        for turn in turns:
            asked, answer = self.completed(read(turn.question[:LONGEST])), turn.answer
            if ("tool" in asked.by or asked.kind == "what_if") and not answers.is_refusal(answer):
                self.asked = asked
            cards: list[Target] = [(found[1], found[2]) for found in _HEADLINE.finditer(answer)]
            rows, words = [(found[1], found[2]) for found in _ROW.finditer(answer)], answers.words_of(answer)
            self.is_card = bool(cards)
            self.words, self.rows = (self.words, self.rows) if words is None else (words, rows)
            about: list[Target] = [(found[1], None) for found in _ABOUT.finditer(answer)]
            listed = [] if words is not None else self.subjects
            self.subjects = cards or about or (rows if len(rows) == 1 else [] if rows else listed)

    def narrowed_by(self, asked: Asked) -> str:
        """Words before that a follow-up narrows."""
        if not (asked.follows or asked.is_bare or "pronoun" in asked.slots):
            return ""
        of_product = asked.parts and self.subjects and (self.is_card or "pronoun" in asked.slots)
        return self.subjects[-1][0] if of_product else self.words

    def completed(self, asked: Asked) -> Asked:
        """A follow-up with what it leaves out: the kind, and the conditions that it does not change."""
        before, slots = self.asked, _bare_as_before(asked.slots, self.asked)
        narrows = asked.kind == "products" and asked.follows and before.by.get("tool") == "find_products"
        kind = "" if narrows else asked.kind or "what_if" * bool(slots.keys() & TAKES["assumptions"])
        goes_on = (asked.follows or asked.is_bare) and (before.kind == "what_if" or not asked.topic)
        if kind or not before.kind or not goes_on:
            asked = replace(asked, kind=kind, slots=slots)
            return replace(asked, kind=asked.implied or kind) if kind in ("", "products") else asked
        passing = {"ordinal", "pronoun", "asked"} | (TAKES["when"] if slots.keys() & TAKES["when"] else set())
        passing |= {"limit", "sort", "group_by"} if "ordinal" in slots else set()
        kept = {name: value for name, value in before.slots.items() if name not in passing}
        return replace(asked, kind=before.kind, slots=kept | slots, said={**before.said, **asked.said})


def _bare_as_before(slots: Slots, before: Asked) -> Slots:
    """A bare figure is what the question before was about, if that is one thing. Else it stays bare."""
    figures = TAKES["bare"] | TAKES["bare_share"]
    [name, *others] = [*(before.slots.keys() & figures), ""]
    bare = next((each for each in ("bare_days", "bare_share", "bare") if each in slots and name in TAKES[each]), None)
    if len(others) > 1 or bare is None:
        return slots
    value = slots[bare]
    return {name: 1 + copysign(value, before.slots[name] - 1) if name == "demand_uplift" else value}


def _answer(question: str, context: Context) -> Steps:
    """Read again with slips put right, if there are any."""
    taken: dict[str, str] = {}
    while True:
        asked = context.completed(read(question))
        try:
            said = yield from _answered(asked, context)
        except Misspelt as misspelt:
            taken |= misspelt.args[0]
            question = " ".join(taken.get(word, word) for word in folded(question).split())
        except Refused as refused:
            return answers.refusal(answers.joined((answers.slips(taken), str(refused))), asked.language)
        else:
            english = answers.SAID["in_english"][asked.language] * (asked.kind not in answers.PLAIN)
            return answers.joined((english, answers.slips(taken), said))


def _answered(asked: Asked, context: Context) -> Steps:
    if asked.kind in answers.PLAIN:
        return answers.PLAIN[asked.kind]
    passed = asked.passed
    unused = [asked.said.get(name, name) for name in asked.slots if name not in {*asked.takes, *passed}]
    unused += [*DANGER.findall(asked.words), *asked.lacking]
    if unused:
        raise Refused(answers.said("not_used", words=[*(() if asked.kind else asked.parts), *unused]))
    if asked.kind != "restock" and (numbers := NUMBERS.findall(" , ".join(asked.parts))):
        raise Refused(answers.said("unknown", words=numbers))
    idle = [asked.said.get(name, name) for name in passed if asked.slots[name] != "today"]
    if asked.kind == "codes":
        if asked.parts:
            raise Refused(answers.said("unknown", words=asked.parts))
        results = yield [Call(DETAILS[name], {name: code}) for name, code in asked.codes]
        return "\n\n".join(answers.details(_one([result])) for result in results)
    if "each" in asked.by:
        first, second = asked.by["each"]
        told = yield from _list(replace(asked, kind=first), context)
        return answers.joined((told, (yield from _list(replace(asked, kind=second), context))))
    script = _list if "tool" in asked.by else _restock if asked.kind == "restock" else _product
    said = yield from script(asked, context)
    return answers.joined((answers.said("not_used", words=idle) if idle else "", said))


def _one(results: Sequence[ToolResult]) -> Found:
    [result] = results
    if result.error is not None:
        raise Refused(answers.error(result.error))
    return result.data


def _search(tool: str, asked: Asked, context: Context, **arguments: Any) -> Steps:
    """What a tool finds for the words, and what is to be said of them. Words of a follow-up narrow those before, or
    replace them where nothing fits both."""
    words, before = asked.words, context.narrowed_by(asked)
    tried = list(dict.fromkeys([f"{before} {words}".strip(), words] if before and words else [before or words]))
    results = yield [Call(tool, {**arguments, "words": each}) for each in tried]
    both, found = _one(results[:1]), _one(results[-1:])
    if not both.get("unknown_words") and (not words or _count(both) or "pronoun" in asked.slots):
        words, found = tried[0], both
    if unknown := found.get("unknown_words"):
        if slips := {word: known for word in unknown if (known := meant(word, asked.language))}:
            raise Misspelt(slips)
        raise Refused(answers.said("unknown", words=unknown))
    return found | {"for": words}, answers.slips(found.get("taken_as", {}))


def _count(found: Found) -> int:
    return int(found.get("total", 0) or next(iter(found.get("totals", {}).values()), 0))


def _targets(asked: Asked, context: Context, *, must: bool = False) -> Steps:
    """The products that are meant, if they are named or pointed at, and what is to be said of the words; none where
    the words fit many."""
    if "ordinal" in asked.slots:
        if not -1 <= asked.slots["ordinal"] < len(context.rows) or not context.rows:
            raise Refused(answers.SAID["which"])
        return [context.rows[asked.slots["ordinal"]]], ""
    if not asked.parts:
        return context.subjects if "compare" in asked.slots else context.subjects[-1:], ""
    found, note = yield from _search("find_products", asked, context, limit=100)
    if found["products"] or len(asked.parts) == 1:
        fitting = {asked.words: found["products"]}
    else:
        parts = asked.parts[:MOST_PRODUCTS]
        results = yield [Call("find_products", {"limit": 100, "words": part}) for part in parts]
        fitting = {part: _one([result])["products"] for part, result in zip(parts, results, strict=True)}
    single = [_single(rows, asked) for rows in fitting.values()]
    if all(single):
        return [target for each in single for target in each], note
    if must or (len(fitting) > 1 and "tool" not in asked.by) or (context.is_card and context.narrowed_by(asked)):
        part = next(part for part, each in zip(fitting, single, strict=True) if not each)
        raise Refused(answers.which(part, fitting[part]))
    return [], note


def _single(rows: Sequence[Found], asked: Asked) -> list[Target]:
    """The product of the rows, if it is one; at its location, if that is one, or the only one with the quantity that
    is asked about."""
    ids = {row["product_id"] for row in rows}
    if len(ids) == 1 and asked.slots.keys() & {"asked", "why"}:
        meant_here = [
            row for row in rows if row["order_quantity"] and asked.slots.get("asked") in (None, row["order_quantity"])
        ]
        rows = meant_here if len(meant_here) == 1 else rows
    return [(rows[0]["product_id"], rows[0]["location"] if len(rows) == 1 else None)] if len(ids) == 1 else []


def _place(target: Target) -> Found:
    return {name: value for name, value in zip(("product_id", "location"), target, strict=True) if value is not None}


def _product(asked: Asked, context: Context) -> Steps:
    """A product's figures, now or under assumptions; or how such figures are made where no product is meant."""
    what_if = asked.kind == "what_if"
    if asked.topic and not what_if and not asked.parts and not asked.slots.keys() & {"pronoun", "ordinal"}:
        told = _one((yield [Call("explain_method", {"topic": asked.topic})]))
        return answers.details({told["topic"]: told["explanation"]})
    if not (asked.parts or context.subjects or context.rows):
        raise Refused(answers.SAID["which"] if asked.slots else "")
    try:
        targets, note = yield from _targets(asked, context, must=what_if)
    except Refused:
        if what_if or asked.topic != "lead_time":  # why a product of no catalogue was ordered, if it was
            found = _one((yield [Call("find_orders", {"words": asked.words, "limit": 1})]))
            if what_if or not found["orders"]:
                raise
            return answers.details(_one((yield [Call("get_order", {"number": found["orders"][0]["number"]})])))
        targets, note = [], ""
    if targets and not (what_if and len(targets) > 1):
        return answers.joined((note, (yield from _cards(asked, targets))))
    if asked.topic == "lead_time" and not what_if:
        return (yield from _list(replace(asked, kind="suppliers"), context))
    found, note = yield from _search("find_products", asked, context, limit=20)
    if not asked.parts or not found["products"] or asked.slots.keys() - {"total"} or asked.topic:
        raise Refused(answers.which(asked.words, found["products"]) if asked.parts else answers.SAID["which"])
    return answers.joined((note, answers.listed("products", found, {})))


def _cards(asked: Asked, targets: Sequence[Target]) -> Steps:
    if "compare" in asked.slots and len(targets) < 2:
        raise Refused(answers.SAID["two"])
    calls = [Call(name, _place(each)) for each in targets for name in ("calculate_reorder", "get_product")]
    told = [_one([result]) for result in (yield calls)]
    cards = []
    for target, plan, product in zip(targets, told[::2], told[1::2], strict=True):
        assumed = {name: value for name, value in asked.slots.items() if name in TAKES["assumptions"]}
        if times := assumed.pop("lead_time_factor", None):
            assumed["lead_time_days"] = round(times * plan["lead_time_days"], 2)
        then = _one((yield [Call("calculate_reorder", _place(target) | assumed)])) if assumed else Found()
        cards.append(answers.card(plan, product, then, asked.slots | assumed))
    return answers.joined(cards)


def _narrowing(asked: Asked) -> Iterator[tuple[str, Any]]:
    """Conditions as the tool takes them: `name`, or `name=form` where the tool wants other words."""
    names = WORDS["names"] | asked.by.get("names", {})
    for slot in asked.takes:
        if slot not in {*TAKES["any"], *asked.passed, "usual"}:
            name, _, form = names.get(slot, slot).partition("=")
            yield name, form.format(asked.slots[slot]) if form else asked.slots[slot]


def _list(asked: Asked, context: Context) -> Steps:
    """What fits, with totals. A single product is answered by itself."""
    by, slots = asked.by, asked.slots
    narrowing = dict(_narrowing(asked))
    arguments = by.get("unless", {}) | narrowing | by.get("always", {})
    pointing = {"pronoun", "ordinal", "why"} - ({"why"} if by["tool"] == "find_reviews" else set())
    pointed = slots.keys() & pointing and not asked.parts and "total" not in slots
    of_products = by["tool"] == "find_products"
    goes_on = of_products and "why" not in slots and context.asked.by.get("tool") == by["tool"]
    if pointed and not context.subjects and "ordinal" not in slots and not goes_on:
        raise Refused(answers.SAID["which"])
    if pointed or (of_products and asked.parts):
        targets, note = yield from _targets(asked, context)
        if of_products and targets and (pointed or not narrowing):
            return answers.joined((note, (yield from _cards(asked, targets))))
        arguments |= {"product_id": targets[0][0]} if pointed and targets and not of_products else {}
    if asked.topic and asked.kind != "suppliers":
        raise Refused(answers.said("not_used", words=[asked.topic.replace("_", " ")]))
    if by["tool"] == "find_changes":
        if asked.parts:
            raise Refused(answers.said("unknown", words=asked.parts))
        return answers.listed(asked.kind, _one((yield [Call(by["tool"], arguments)])), arguments)
    found, note = yield from _search(by["tool"], asked, context, **arguments)
    if not _count(found) and found["for"]:
        return (yield from _each_part(asked, found, arguments, note))
    if asked.kind == "orders" and "why" in slots and found["orders"]:
        return answers.details(_one((yield [Call("get_order", {"number": found["orders"][0]["number"]})])))
    return answers.joined((note, answers.listed(asked.kind, found, arguments)))


def _each_part(asked: Asked, none: Found, arguments: Found, note: str) -> Steps:
    """Nothing fits all words together. Each may fit by itself; if no product fits them all, 'none' is no answer."""
    parts = asked.parts if len(asked.parts) > 1 else ()
    every = Call("find_products", {"words": none["for"]})
    fit, *results = yield [every, *(Call(asked.by["tool"], {**arguments, "words": part}) for part in parts)]
    found = [_one([result]) | {"for": part} for result, part in zip(results, parts, strict=True)]
    if any(map(_count, found)):
        return answers.joined(answers.listed(asked.kind, each, arguments) for each in found)
    if not _count(_one([fit])):
        raise Refused(answers.which(none["for"], []))
    return answers.joined((note, answers.listed(asked.kind, none, arguments)))


def _restock(asked: Asked, context: Context) -> Steps:
    """Nothing is begun unless every product is clear."""
    parts = tuple(re.sub(r"^\d[\d.,]* (?:units? |boxes |pieces )?", "", part) for part in asked.parts)
    if "limit" in asked.slots and not parts:
        targets, note = context.rows[: asked.slots["limit"]], ""
    else:
        targets, note = yield from _targets(replace(asked, parts=parts), context, must=True)
    if not 0 < len(targets) <= MOST_PRODUCTS or len(parts) > MOST_PRODUCTS:
        raise Refused(answers.SAID["nothing_begun"])
    results = [_one([result]) for result in (yield [Call("request_restock", _place(target)) for target in targets])]
    said = [answers.restock(*target, run) for target, run in zip(targets, results, strict=True)]
    return answers.joined((note, *said, answers.SAID["calculated"] if parts != asked.parts else ""))
