"""Answers a planner's question by the tools of any model. Each kind of question is a script: a generator that yields
calls, is sent their results and returns the answer. It is played anew at each step, over the results so far."""

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import BaseMessage

from agent.rules import answers
from agent.rules.questions import DANGER, WEAK, Asked, Slots, nearly_idle, read
from agent.rules.transcript import Call, Reply, ToolResult, Turn, read_turns

TURNS_READ = 8
LONGEST = 1_000
MOST_PRODUCTS = 5
ASSUMPTIONS = frozenset(
    ("lead_time_days", "days_late", "demand_uplift", "service_level", "review_period_days", "on_hand", "quantity")
)
DAYS = ("period", "since", "until")
USED = {
    "to_order": ("limit", "sort", "group_by", "value_at_least"),
    "runs_out": ("limit", "days_left_at_most", "group_by"),
    "too_much": ("limit", "group_by"),
    "stock_value": ("group_by",),
    "products": ("limit", "group_by", "days_left_at_most"),
    "late": ("order_status", "limit", "group_by", "value_at_least", "placed_by"),
    "orders": (*DAYS, "limit", "sort", "group_by", "value_at_least", "placed_by", "order_status"),
    "arrivals": ("order_status", "limit", "group_by", "value_at_least", "placed_by"),
    "reviews": (*DAYS, "limit", "group_by", "value_at_least", "decided_by", "review_status"),
    "changes": (*DAYS, "by", "limit"),
    "suppliers": ("limit", "supplier_sort"),
    "what_if": (*ASSUMPTIONS, "why"),
    "number": ("number", "placed_by", "order_status", "review_status", "period"),
    "review_id": ("review_id", "number", "order_status", "review_status"),
    "restock": ("limit",),
    "product": ("why", "asked"),
}  # fmt: skip
"""The slots that each kind of question can use."""
NAMES = {"order_status": "status", "review_status": "status", "supplier_sort": "sort"}
"""What tools call a slot, where it is not its own name."""
CARD = ("to_order", "product", "arrivals", "runs_out", "too_much", "products", "stock_value", "")
"""Kinds that mean the product itself where the words fit only one."""
POINTING = ("pronoun", "ordinal", "why", "asked", "total")
PASSED_OVER = {
    "what_if": frozenset(("future", "period")),
    "arrivals": frozenset(("future", "period", "days_left_at_most", "since", "until")),
}
"""What does not turn the answer round: an assumption holds whenever, and arrivals name their days."""
_LISTED = re.compile(r"^- (\S+) \((.+?)\): ", re.MULTILINE)
_HEADLINE = re.compile(r"^(\S+) at ([^,:]+)(?:, with .+)?: (?:no |order |transfer )", re.MULTILINE)
Script = Generator[Sequence[Call], Sequence[ToolResult], str]


class Refused(Exception):
    """There is no honest answer. Its text says why."""


def converse(messages: Sequence[BaseMessage], tools: frozenset[str], tool_choice: str | None) -> Reply:
    """The next calls, or the answer."""
    turns = read_turns(messages, last=TURNS_READ)
    if not turns:
        return Reply(text=answers.refusal("", "en"))
    *before, now = turns
    if len(now.question) > LONGEST:
        return Reply(text=answers.refusal(f"Ask in at most {LONGEST:,} characters.", "en"))
    context = Context(before)
    asked = context.completed(read(now.question))
    return _played(_answer(asked, context), now.results, may_call=tool_choice != "none")


def _played(script: Script, results: Sequence[ToolResult], *, may_call: bool) -> Reply:
    known = {(result.name, str(result.arguments)): result for result in results}
    try:
        calls = next(script)
        while True:
            wanted = [known.get((call.name, str(call.arguments))) for call in calls]
            if None in wanted:
                open_calls = tuple(call for call, result in zip(calls, wanted, strict=True) if result is None)
                return Reply(calls=open_calls) if may_call else Reply(text=answers.UNFINISHED)
            calls = script.send([result for result in wanted if result])
    except StopIteration as end:
        return Reply(text=end.value)


class Context:
    """What was asked and shown before."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self.asked, self.words = Asked(), ""
        self.subject: tuple[str, str | None] | None = None
        self.listed: list[dict[str, Any]] = []
        self.is_card = False
        """Whether the last answer was about one product."""
        for turn in turns:
            asked = self.completed(read(turn.question[:LONGEST]))
            self.asked = asked if asked.kind in USED and asked.kind != "restock" else self.asked
            self.is_card = any(result.name == "calculate_reorder" for result in turn.results)
            shown = answers.words_of(turn.answer)
            for result in turn.results:
                if shown is None or result.arguments.get("words", shown) == shown:
                    self._note(result)
            if not turn.results:
                self._read(turn.answer)
                self.is_card = bool(_HEADLINE.search(turn.answer))

    def _read(self, answer: str) -> None:
        """What an answer showed, where the results behind it are no longer kept."""
        rows = [{"product_id": found[1], "location": found[2]} for found in _LISTED.finditer(answer)]
        self.listed = rows if len(rows) > 1 else self.listed
        narrowed = answers.words_of(answer)
        self.words = self.words if narrowed is None else narrowed
        if cards := [(found[1], found[2]) for found in _HEADLINE.finditer(answer)]:
            self.subject = cards[-1]

    def _note(self, result: ToolResult) -> None:
        rows = [row for row in _rows(result) if "product_id" in row]
        if result.name == "calculate_reorder" and not result.error:
            self.subject = result.data["product_id"], result.data["location"]
        elif product_id := result.arguments.get("product_id"):
            self.subject = product_id, result.arguments.get("location")
        elif rows:
            self.words = result.arguments.get("words", "")
            self.listed = rows if len(rows) > 1 else self.listed
            self.subject = (rows[0]["product_id"], rows[0]["location"]) if len(rows) == 1 else None

    def before(self, asked: Asked) -> str:
        """Words before that a follow-up narrows."""
        if asked.parts and "pronoun" in asked.slots and self.subject:
            return self.subject[0]
        if not asked.begins_like_a_follow_up and "pronoun" not in asked.slots:
            return ""
        return self.subject[0] if self.subject and self.is_card and asked.parts else self.words

    def completed(self, asked: Asked) -> Asked:
        """A follow-up with what it leaves out: the kind, and the conditions that it does not change."""
        before = self.asked
        slots = _meant(asked.slots, before)
        asked = replace(
            asked, slots=slots, kind="what_if" if slots.keys() & ASSUMPTIONS and not asked.kind else asked.kind
        )
        goes_on = asked.begins_like_a_follow_up and before.kind == "what_if"
        if asked.kind or (asked.topic and not goes_on) or not before.kind:
            return asked
        lone = not asked.parts and asked.slots.keys() & {
            *DAYS,
            "group_by",
            "limit",
            "ordinal",
            "pronoun",
            "why",
            "value_at_least",
        }
        if not (asked.begins_like_a_follow_up or lone):
            return asked
        passing = {"ordinal", "pronoun", "asked", *(("limit", "sort", "group_by") if "ordinal" in asked.slots else ())}
        kept = {name: value for name, value in before.slots.items() if name not in passing}
        if asked.slots.keys() & set(DAYS):
            kept = {name: value for name, value in kept.items() if name not in DAYS}
        return replace(asked, kind=before.kind, slots=kept | slots)


def _meant(slots: Slots, before: Asked) -> Slots:
    """A bare figure is what the question before was about, if that is one thing. Else it stays bare."""
    assumed = [name for name in before.slots if name in ASSUMPTIONS]
    if len(assumed) != 1 or before.kind != "what_if":
        return slots
    [name] = assumed
    if "bare_days" in slots and name in ("lead_time_days", "days_late", "review_period_days"):
        return {name: slots["bare_days"]}
    if "bare_percent" in slots and name == "service_level":
        return {name: slots["bare_percent"] / 100}
    if "bare_percent" in slots and name == "demand_uplift":
        sign = 1 if before.slots[name] >= 1 else -1
        return {name: 1 + sign * slots["bare_percent"] / 100}
    return {name: slots["bare"]} if "bare" in slots and name in ("quantity", "on_hand") else slots


def _rows(result: ToolResult) -> list[dict[str, Any]]:
    return next((result.data[name] for name in ("products", "orders", "reviews") if name in result.data), [])


def _answer(asked: Asked, context: Context) -> Script:
    try:
        if asked.kind in answers.PLAIN:
            return answers.PLAIN[asked.kind]
        _require_understood(asked)
        passed = [asked.said.get(name, "") for name in asked.slots if name in PASSED_OVER.get(asked.kind, ())]
        said = yield from SCRIPTS.get(asked.kind, _product)(asked, context)
        return "\n".join(filter(None, (answers.IN_ENGLISH.get(asked.language), answers.not_used(passed), said)))
    except Refused as refused:
        return answers.refusal(str(refused), asked.language)


def _require_understood(asked: Asked) -> None:
    """Refuses what would turn the answer round if it were passed over."""
    risky = (
        [*DANGER.findall(asked.words)]
        if not ("why" in asked.slots and asked.kind in ("", "to_order", "orders"))
        else []
    )
    usable = {*USED.get(asked.kind, ()), *POINTING, *(("period",) if asked.slots.get("period") == "today" else ())}
    usable |= PASSED_OVER.get(asked.kind, frozenset())
    unused = [asked.said.get(name, name) for name in asked.slots if name not in usable]
    if risky or unused:
        raise Refused(answers.not_used([*(() if asked.kind else asked.parts), *risky, *unused]))


def _one(calls: Sequence[ToolResult]) -> dict[str, Any]:
    [result] = calls
    if result.error is not None:
        raise Refused(answers.error(result.error))
    return result.data


Target = tuple[str, str | None]


def _search(
    tool: str, asked: Asked, context: Context, **arguments: Any
) -> Generator[Any, Any, tuple[dict[str, Any], str]]:
    """What a tool finds for the words, and what is to be said of them. Words of a follow-up narrow those before, or
    replace them where nothing fits both."""
    words, before, notes = asked.words, context.before(asked), list[str]()
    tried = [f"{before} {words}".strip(), words] if before else [words]
    results = yield [Call(tool, {**arguments, "words": each}) for each in dict.fromkeys(tried)]
    both, found = _one(results[:1]), _one(results[-1:])
    if before and ((not both.get("unknown_words") and _count(both)) or "pronoun" in asked.slots):
        words, found = tried[0], both
    while unknown := list(found.get("unknown_words", ())):
        slips = {word: near for word in unknown if (near := nearly_idle(word))}
        if not slips:
            _require_passable(asked, unknown)
        notes.append(answers.taken_as(slips) or answers.not_used(unknown))
        left = " ".join(word for word in words.split() if not any(each in word for each in slips or unknown))
        if left == words:
            raise Refused(answers.unknown(unknown))
        words = left
        found = _one((yield [Call(tool, {**arguments, "words": words})]))
    notes.append(answers.taken_as(found.get("taken_as", {})))
    return found | {"words": words}, "\n".join(filter(None, notes))


def _require_passable(asked: Asked, unknown: Sequence[str]) -> None:
    """One unknown word beside a clear question is passed over, and said. Any other is refused."""
    risky = any(re.search(r"\d|(?:er|est)$", word) or DANGER.fullmatch(word) for word in unknown)
    if risky or len(unknown) > 1 or (unknown and (asked.kind in {*WEAK, "restock"} or not asked.kind or asked.topic)):
        raise Refused(answers.unknown(unknown))


def _count(found: dict[str, Any]) -> int:
    return int(found.get("total", 0) or next(iter(found.get("totals", {}).values()), 0))


def _targets(asked: Asked, context: Context, *, must: bool = False) -> Generator[Any, Any, tuple[list[Target], str]]:
    """The products that are meant, if they are named or pointed at; none where the words fit many."""
    if "ordinal" in asked.slots:
        if not -1 <= asked.slots["ordinal"] < len(context.listed):
            raise Refused(answers.WHICH)
        row = context.listed[asked.slots["ordinal"]]
        return [(row["product_id"], row["location"])], ""
    if not asked.parts:
        return [context.subject] if context.subject else [], ""
    found, note = yield from _search("find_products", asked, context, limit=100)
    rows = found["products"]
    if rows or len(asked.parts) == 1:
        single = _single(rows)
        if not single and (must or (context.is_card and context.before(asked))):
            raise Refused(answers.which(asked.words, rows))
        return single, note
    targets: list[Target] = []
    for part in asked.parts[:MOST_PRODUCTS]:
        found, more = yield from _search("find_products", replace(asked, parts=(part,)), Context(()), limit=100)
        single = _single(found["products"])
        if not single:
            raise Refused(answers.which(part, found["products"]))
        targets, note = targets + single, "\n".join(filter(None, (note, more)))
    return targets, note


def _single(rows: Sequence[dict[str, Any]]) -> list[Target]:
    """The product of the rows, if it is one; at its location, if that is one."""
    ids = {row["product_id"] for row in rows}
    return [(rows[0]["product_id"], rows[0]["location"] if len(rows) == 1 else None)] if len(ids) == 1 else []


def _place(target: Target) -> dict[str, Any]:
    product_id, location = target
    return {"product_id": product_id} | ({} if location is None else {"location": location})


def _product(asked: Asked, context: Context) -> Script:
    """A product's figures, or how such figures are made where no product is meant."""
    if asked.topic and not asked.parts and not asked.slots.keys() & {"pronoun", "ordinal"}:
        return answers.method(_one((yield [Call("explain_method", {"topic": asked.topic})])))
    if not (asked.parts or context.subject or context.listed):
        raise Refused("" if not asked.slots else answers.WHICH)
    try:
        targets, note = yield from _targets(asked, context)
    except Refused as refused:
        return (yield from _ordered(asked, refused))
    if not targets:
        return (yield from _elsewhere(asked, context))
    return (yield from _cards(asked, targets, note))


def _cards(asked: Asked, targets: Sequence[Target], note: str) -> Script:
    calls = [Call(name, _place(each)) for each in targets for name in ("calculate_reorder", "get_product")]
    results = [_one([result]) for result in (yield calls)]
    pairs = zip(results[::2], results[1::2], strict=True)
    cards = [answers.card(plan, product, asked.slots) for plan, product in pairs]
    return "\n".join(filter(None, (note, *cards)))


def _elsewhere(asked: Asked, context: Context) -> Script:
    """Words that fit many products."""
    found, note = yield from _search("find_products", asked, context, limit=20)
    if len({row["product_id"] for row in found["products"]}) > 1 and "why" not in asked.slots and not asked.topic:
        return answers.listed("products", found, note)
    raise Refused(answers.which(asked.words, found["products"]))


def _ordered(asked: Asked, refused: Refused) -> Script:
    """Why a product of no catalogue was ordered, if it was."""
    found = _one((yield [Call("find_orders", {"words": asked.words, "limit": 1})]))
    if not found["orders"]:
        raise refused
    return answers.order(_one((yield [Call("get_order", {"number": found["orders"][0]["number"]})])))


LISTS: dict[str, tuple[str, dict[str, Any]]] = {
    "to_order": ("find_products", {"status": "needs_order"}),
    "runs_out": ("find_products", {"sort": "days_left"}),
    "too_much": ("find_products", {"cover": "too_much", "sort": "stock_value"}),
    "stock_value": ("find_products", {"sort": "stock_value"}),
    "products": ("find_products", {}),
    "late": ("find_orders", {"status": "overdue", "sort": "overdue"}),
    "arrivals": ("find_orders", {"status": "open", "sort": "due"}),
    "orders": ("find_orders", {}),
    "reviews": ("find_reviews", {}),
    "suppliers": ("find_suppliers", {}),
    "changes": ("find_changes", {}),
}  # fmt: skip


def _list(asked: Asked, context: Context) -> Script:
    """What fits, with totals. A single product is answered by itself."""
    tool, fixed = LISTS[asked.kind]
    arguments = {NAMES.get(name, name): asked.slots[name] for name in USED[asked.kind] if name in asked.slots} | fixed
    pointed = asked.slots.keys() & {"pronoun", "ordinal", "why"} and not asked.parts and "total" not in asked.slots
    if (
        "why" in asked.slots
        and asked.kind in CARD
        and not asked.parts
        and not context.subject
        and "ordinal" not in asked.slots
    ):
        raise Refused(answers.WHICH)
    if asked.kind in CARD and (asked.parts or pointed) and not asked.slots.keys() & {"group_by", "limit", "sort"}:
        targets, note = yield from _targets(asked, context)
        if targets:
            return (yield from _cards(asked, targets, note))
    if pointed and tool != "find_products" and "pronoun" in asked.slots and not context.subject:
        raise Refused(answers.WHICH)
    if pointed and tool in ("find_orders", "find_reviews", "find_changes") and context.subject:
        arguments["product_id"] = context.subject[0]
    if tool == "find_changes":
        if asked.parts:
            raise Refused(answers.unknown(asked.parts))
        return answers.listed(asked.kind, _one((yield [Call(tool, arguments)])), "")
    found, note = yield from _search(tool, asked, context, **arguments)
    if tool == "find_products" and not _count(found):
        yield from _require_a_product(found["words"])
    if asked.kind == "orders" and "why" in asked.slots and found["orders"]:
        number = found["orders"][0]["number"]
        return answers.order(_one((yield [Call("get_order", {"number": number})])))
    return answers.listed(asked.kind, found | {"asked": arguments}, note)


def _require_a_product(words: str) -> Generator[Any, Any, None]:
    """Each word may be known, and all of them together fit nothing."""
    if words and not _count(_one((yield [Call("find_products", {"words": words})]))):
        raise Refused(answers.which(words, []))


def _what_if(asked: Asked, context: Context) -> Script:
    assumed = {name: value for name, value in asked.slots.items() if name in ASSUMPTIONS}
    targets, note = yield from _targets(asked, context, must=True)
    if len(targets) != 1:
        raise Refused(answers.WHICH)
    place = _place(targets[0])
    calls = [Call("calculate_reorder", place), Call("calculate_reorder", place | assumed), Call("get_product", place)]
    now, then, product = (_one([result]) for result in (yield calls))
    said = answers.what_if(now, then, product, assumed, why="why" in asked.slots)
    return "\n".join(filter(None, (note, said)))


def _restock(asked: Asked, context: Context) -> Script:
    """Nothing is begun unless every product is clear."""
    wanted = [re.match(r"(\d[\d.,]*) ", part) for part in asked.parts]
    parts = tuple(re.sub(r"^\d[\d.,]* (?:units? |boxes |pieces )?", "", part) for part in asked.parts)
    if "limit" in asked.slots and not parts:
        targets, note = [(row["product_id"], row["location"]) for row in context.listed[: asked.slots["limit"]]], ""
    else:
        targets, note = yield from _targets(replace(asked, parts=parts), context, must=True)
    if not 0 < len(targets) <= MOST_PRODUCTS:
        raise Refused(answers.NOTHING_BEGUN)
    results = [_one([result]) for result in (yield [Call("request_restock", _place(target)) for target in targets])]
    figures = "".join(match[1] for match in wanted if match)
    said = [answers.restock(*target, run) for target, run in zip(targets, results, strict=True)]
    return "\n".join(filter(None, (note, *said, answers.QUANTITY if figures else "")))


def _order(asked: Asked, _: Context) -> Script:
    return answers.order(_one((yield [Call("get_order", {"number": asked.slots["number"]})])))


def _review(asked: Asked, _: Context) -> Script:
    return answers.review(_one((yield [Call("get_review", {"review_id": asked.slots["review_id"]})])))


SCRIPTS: dict[str, Callable[[Asked, Context], Script]] = {
    **dict.fromkeys(LISTS, _list),
    "what_if": _what_if,
    "restock": _restock,
    "number": _order,
    "review_id": _review,
}
