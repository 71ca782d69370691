"""Every fault × {Gemini, Groq, both} × {JSON trigger, chat} against the whole service: `python -m benchmarks.faults`.

The real application with the real clients, in this process; the providers are the servers of `tests/providers`. Prints
a Markdown page (`--write docs/faults.md` stores it) and ends with status 1 unless every request ended in an order, a
review or an answer, without a 5xx, within its deadline and a second, and no server had to reject what it was sent.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import structlog
from fastapi import FastAPI
from pydantic import SecretStr

from agent.metrics import Metrics
from agent.settings import Settings
from api.app import create_app
from tests.providers.gemini import GeminiServer
from tests.providers.groq import GroqServer
from tests.providers.script import FAULTS
from tests.providers.server import ProviderServer

KEY = "a-key-for-the-fault-matrix-of-32"
WHO = ("gemini", "groq", "both")
WAYS = ("trigger", "chat")
GRACE_SECONDS = 1.0
GOOD_ENDS = ("executed", "pending_review", "no_action", "answered")
GEMINI_FIRST = {"primary_model": "google_genai:gemini-3.5-flash-lite", "fallback_models": "groq:openai/gpt-oss-120b"}
GROQ_FIRST = {"primary_model": "groq:openai/gpt-oss-120b", "fallback_models": "google_genai:gemini-3.5-flash-lite"}
TRIGGER = {
    "product_id": "X1",
    "mode": "input",
    "current_stock": 150,
    "demand_history": [100, 120, 110, 130, 125, 115, 140] * 8,
    "lead_time_days": 7,
    "unit_price": 5,
}
CHAT = {"message": "Which products need an order?"}
SHORT = {"executed": "order", "pending_review": "review", "no_action": "no order", "answered": "answer"}
NAMES = {"google_genai": "Gemini", "groq": "Groq", "rules": "rules", "calculator": "calculator", "none": "no model"}
PAGE = """# What happens when providers fail

Written by `make faults`: the whole service with the real Gemini and Groq clients, against local servers that speak both
wire protocols, check what they are sent as strictly as the real services do, and fail as said in the first column. With
the fault at one provider, that one is asked first and the other is well. Each cell says how the request ended, who
answered, and after how many seconds; a model call may take {call:g} s and a run {run:g} s.

{table}

{summary}
"""


@dataclass(frozen=True)
class Result:
    fault: str
    who: str
    way: str
    status_code: int
    end: str
    provider: str
    seconds: float
    falls: dict[str, int]
    complaints: tuple[str, ...]

    def problems(self, deadline: float) -> list[str]:
        found = [f"a request was rejected: {complaint}" for complaint in self.complaints]
        if self.status_code != 200 or self.end not in GOOD_ENDS:
            found.append(f"HTTP {self.status_code}, ended as {self.end!r}")
        if self.seconds > deadline + GRACE_SECONDS:
            found.append(f"took {self.seconds:.2f} s")
        return [f"{self.fault} × {self.who} × {self.way}: {problem}" for problem in found]

    def cell(self) -> str:
        return f"{SHORT.get(self.end, self.end)} by {NAMES.get(self.provider, self.provider)}, {self.seconds:.1f}"


async def measure(fault: str, who: str, way: str, folder: Path) -> Result:
    async with GeminiServer() as gemini, GroqServer() as groq:
        servers: tuple[ProviderServer, ...] = (gemini, groq)
        app = create_app(settings(folder, gemini, groq, GROQ_FIRST if who == "groq" else GEMINI_FIRST))
        async with app.router.lifespan_context(app):
            for server, name in zip(servers, WHO, strict=False):
                if who in (name, "both"):
                    await server.become(fault)
            code, body, seconds = await send(app, way)
            falls = fallbacks(app.state.runtime.metrics)
    end = str(body.get("status", "") if way == "trigger" else "answered" if body.get("answer") else "no answer")
    complaints = tuple(complaint for server in servers for complaint in server.complaints)
    return Result(fault, who, way, code, end, str(body.get("llm_provider", "?")), seconds, falls, complaints)


def settings(folder: Path, gemini: ProviderServer, groq: ProviderServer, order: dict[str, str]) -> Settings:
    return Settings(
        _env_file=None,
        api_key=SecretStr(KEY),
        database_url=f"sqlite:///{folder}/faults.db",
        checkpoint_path=folder / "checkpoints.db",
        gemini_api_key=SecretStr(gemini.key),
        groq_api_key=SecretStr(groq.key),
        model_base_urls={"google_genai": gemini.url, "groq": groq.url},
        check_models=False,
        **order,
    )


async def send(app: FastAPI, way: str) -> tuple[int, dict[str, Any], float]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://service", headers={"X-API-Key": KEY}, timeout=60
    ) as client:
        path, body = ("/inventory-trigger", TRIGGER) if way == "trigger" else ("/chat", CHAT)
        began = time.perf_counter()
        response = await client.post(path, json=body)
        seconds = time.perf_counter() - began
    return response.status_code, response.json(), seconds


def fallbacks(metrics: Metrics) -> dict[str, int]:
    samples = [sample for family in metrics.llm_fallbacks.collect() for sample in family.samples]
    return {
        f"{sample.labels['provider']} {sample.labels['reason']}": int(sample.value)
        for sample in samples
        if sample.name.endswith("_total")
    }


async def matrix(faults: Sequence[str]) -> list[Result]:
    results = []
    for fault in faults:
        for who in WHO:
            for way in WAYS:
                with tempfile.TemporaryDirectory() as folder:
                    results.append(await measure(fault, who, way, Path(folder)))
        print(f"{fault:<16} {' | '.join(result.cell() for result in results[-6:])}", file=sys.stderr)
    return results


def table(results: Sequence[Result]) -> str:
    cells = {(result.fault, result.who, result.way): result.cell() for result in results}
    columns = [(who, way) for who in WHO for way in WAYS]
    lines = [
        "| fault | " + " | ".join(f"{who}: {way}" for who, way in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for fault in dict.fromkeys(result.fault for result in results):
        row = " | ".join(cells.get((fault, who, way), "") for who, way in columns)
        lines.append(f"| **{fault}**: {FAULTS[fault]} | {row} |")
    return "\n".join(lines)


def summary(results: Sequence[Result], problems: Sequence[str]) -> str:
    ends = Counter(
        f"{SHORT.get(result.end, result.end)} by {NAMES.get(result.provider, result.provider)}" for result in results
    )
    counted = ", ".join(f"{number} {end}" for end, number in ends.most_common())
    slowest = max(results, key=lambda result: result.seconds)
    verdict = "\n".join(f"- **{problem}**" for problem in problems) or "No request broke a promise."
    return (
        f"{len(results)} requests: {counted}. Slowest: {slowest.seconds:.1f} s ({slowest.fault} × {slowest.who} × "
        f"{slowest.way}).\n\n{verdict}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__.split("\n")[0])
    parser.add_argument("faults", nargs="*", default=list(FAULTS), help="default: all")
    parser.add_argument("--write", type=Path, help="store the page there")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    results = asyncio.run(matrix(options.faults))
    deadlines = Settings.model_construct()
    problems = [problem for result in results for problem in result.problems(deadlines.run_deadline_seconds)]
    page = PAGE.format(
        call=deadlines.model_timeout_seconds,
        run=deadlines.run_deadline_seconds,
        table=table(results),
        summary=summary(results, problems),
    )
    print(page)
    if options.write:
        options.write.write_text(page, encoding="utf-8")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
