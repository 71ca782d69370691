"""Words the answers of a chat by the templates of answers.toml. Every figure comes from a tool's result."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.rules.questions import QUESTIONS, QUESTIONS_WITH_SLOTS
from tools.records.text import amount, clean_text, counted, days, money, percent

Data = Mapping[str, Any]
SAID: Mapping[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
CAN = "\n".join([SAID["can"], *(f"- {each}" for each in (*QUESTIONS, *QUESTIONS_WITH_SLOTS))])
PLAIN = {kind: text.replace("{can}", CAN) for kind, text in SAID["plain"].items()}
UNKNOWN: tuple[object, ...] = (None, "", [], {})
_REFUSALS = (*SAID["cannot"].values(), PLAIN["assumption"])
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_FIELD = re.compile(r"\{([\w.]+)(?::(\w+))?(?:\|([^}]*))?\}")
_HEAD = re.compile(rf"^(?:{'|'.join(map(re.escape, SAID['heads'].values()))})(?:, for ([^,:\n]+))?[,:]", re.MULTILINE)
FORMS: dict[str, Callable[[Any, Data], str]] = {
    "days": lambda value, _: days(round(value, 2)),
    "lasting": lambda value, _: days(round(value, 1)),
    "percent": lambda value, _: percent(value),
    "money": lambda value, data: money(value, data["currency"]),
    "counted": lambda value, data: counted(value, data["unit"]) if data.get("unit") else amount(value),
    "fixed": lambda value, _: f"{value:.2f}",
    "quoted": lambda value, _: ", ".join(f"'{clean_text(str(word), limit=40)}'" for word in list(value)[:5]),
    "readable": lambda value, _: _readable(value),
    "actions": lambda value, data: filled(SAID["actions"][value], data),
    "due": lambda value, _: f"{days(-value)} late" if value < 0 else f"due in {days(value)}" if value else "due today",
}


def said(what: str, **data: Any) -> str:
    return filled(SAID[what], data)


def joined(parts: Iterable[str | None]) -> str:
    return "\n".join(filter(None, parts))


def filled(template: str, data: Data) -> str:
    """
    >>> filled("{id}: {left:days}[, worth {value:money}][, {late:days} late]", {"id": "A", "left": 1, "late": 2.5})
    'A: 1 day, 2.5 days late'
    >>> filled("{on_hand} in stock[ for {left:lasting}]", {"on_hand": 0, "left": 0})
    '0 in stock'
    """
    while optional := _OPTIONAL.search(template):
        fields = [(_value(data, each[1])[0], each[2]) for each in _FIELD.finditer(optional[1])]
        known = all(value not in UNKNOWN and (value or form not in ("some", "lasting")) for value, form in fields)
        template = f"{template[: optional.start()]}{optional[1] if known else ''}{template[optional.end() :]}"
    return joined(_FIELD.sub(lambda field: _written(field, data), template).splitlines())


def _value(data: Data, name: str) -> tuple[Any, Data]:
    """A field's value, and what it stands in."""
    *parents, last = name.split(".")
    for parent in parents:
        data = {**data, last: None, **(data.get(parent) or {})}
    return data.get(last), data


def _written(field: re.Match[str], data: Data) -> str:
    value, near = _value(data, field[1])
    if value in UNKNOWN:
        return field[3] or "unknown"
    if field[2] in SAID["rows"]:
        return "; ".join(filled(SAID["rows"][field[2]], each) for each in value)
    return FORMS[field[2]](value, near) if field[2] in FORMS else _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return " + ".join(money(total, currency) for currency, total in value.items())
    if isinstance(value, list):
        return "; ".join(_line(each) if isinstance(each, Mapping) else str(each) for each in value)
    return amount(value) if isinstance(value, int | float) else str(value)


def _readable(code: object) -> str:
    return str(code).replace("_", " ")


def _line(row: Data) -> str:
    """A row as it stands, for what has no template."""
    shown = (f"{_readable(name)} {_shown(value)}" for name, value in row.items() if value not in UNKNOWN)
    return clean_text("; ".join(shown), limit=400)


def refusal(why: str, language: str) -> str:
    return joined((SAID["cannot"][language], why, CAN))


def is_refusal(answer: str) -> bool:
    return answer.startswith(_REFUSALS)


def which(words: str, rows: Sequence[Data]) -> str:
    ids = list(dict.fromkeys(row["product_id"] for row in rows))[:6]
    return said("which_of" if ids else "no_fit", words=[words], ids=", ".join(ids))


def slips(taken: Mapping[str, str]) -> str:
    return " ".join(said("taken_as", typed=[typed], name=[name]) for typed, name in taken.items())


def error(message: str) -> str:
    """A tool's own sentence where it is written for people."""
    return SAID["bounds"] if "validation" in message or "invoking" in message else clean_text(message, limit=300)


def details(told: Data) -> str:
    return "\n".join(f"{_readable(name).capitalize()}: {_shown(value)}" for name, value in told.items())


def card(plan: Data, product: Data, then: Data, slots: Data) -> str:
    """What to order of a product and why, with what it rests on; or what changes `then`, under assumptions."""
    data = {**product, **_priced(plan), "unit": product["unit"] or "units"}
    assumed = [
        filled(SAID["assumed"][each], {**plan, "value": slots[each]}) for each in slots if each in SAID["assumed"]
    ]
    ordered = then.get("if_ordered")
    data |= {
        "asked": None if slots.get("asked") == plan["order_quantity"] else slots.get("asked"),
        "ordered_confidence": data["spent"] and plan["confidence"],
        "assumed": " and ".join(assumed),
        "ordered": ordered,
        "then": None if ordered else then,
        "changed": None if ordered and len(assumed) == 1 else then,
        "reason": (then or plan)["reason"],
    }
    lines = [filled(SAID["what_if" if then else "card"]["lines"], data)]
    lines += [] if then else [f"Note: {warning}" for warning in plan["warnings"]]
    if slots.keys() & {"why", "asked"}:
        lines += [SAID["card"]["why"], *(f"- {line}" for line in (then or plan)["derivation"])]
    return joined(lines)


def _priced(row: Data) -> Data:
    bought = row.get("recommended_action") == "purchase_order"
    return {**row, "spent": row.get("order_value") if bought else None}


def restock(product_id: str, location: str | None, run: Data) -> str:
    where = product_id if location is None else f"{product_id} at {location}"
    return filled(SAID["restock"].get(run["status"], SAID["restock"]["other"]), {"where": where, **run})


def words_of(answer: str) -> str | None:
    """The words that a list was narrowed by; None if the answer is no list."""
    head = _HEAD.search(answer)
    return None if head is None else head[1] or ""


def listed(kind: str, found: Data, asked: Data) -> str:
    """Rows with the totals of all that fit."""
    name = next(name for name in ("groups", *SAID["rows"], "changes") if name in found)
    rows, idle = found[name], SAID["idle_totals"].get(kind, ())
    scopes = [
        f"{_readable(n)} {found[n]}"
        for n in ("for", "since", "until", "due_from", "due_until", "runs_out_by")
        if found.get(n)
    ]
    scopes += [text.format(_shown(asked[each])) for each, text in SAID["scopes"].items() if each in asked]
    if kind in ("reviews", "decided", "orders") and (status := asked.get("status", "pending" * (kind != "orders"))):
        scopes.append(f"status {status}")
    head = ", ".join([SAID["heads"][kind], *scopes])
    unvalued = found.get("left_out_of_unknown_value")
    left_out = [said("unvalued", count=unvalued)] if unvalued else []
    if not rows:
        return " ".join([f"{head}: none.", *left_out])
    totals = "; ".join(f"{_readable(n)} {_shown(v)}" for n, v in found["totals"].items() if v and n not in idle)
    total = found.get("groups_in_all", found.get("total", found["totals"].get(name, len(rows))))
    shown = left_out + [f"The {len(rows)} that come first:"] * (len(rows) < total)
    return "\n".join([f"{head}: {totals}.", *shown, *(f"- {_row(name, row)}" for row in rows)])


def _row(name: str, row: Data) -> str:
    template = SAID["rows"].get("ordered" if name == "products" and "on_hand" not in row else name)
    return filled(template, _priced(row)) if template else _line(row)
