"""What a stranger may send: `python -m benchmarks.fuzz` (`make fuzz`).

A server process of its own; schemathesis over its whole OpenAPI document with a key of every scope, and requests as
broken bytes over bare sockets. Ends with status 1 when anything was answered 5xx (a 503 with Retry-After aside), when
the process ended or when health did not answer any more.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from benchmarks.probes import answer_to, probes
from benchmarks.server import KEY, serving

EXAMPLES = 400
ALL_PHASES = "examples,coverage,fuzzing,stateful"
INSIDES = (b"Traceback", b'File "', b"sqlalchemy", b"/site-packages/")


def fuzz_document(url: str, folder: Path, *, examples: int, seed: int, phases: str = ALL_PHASES) -> tuple[int, str]:
    """How many cases schemathesis made, and its report where one of them failed."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "-H", f"X-API-Key: {KEY}"]
    command += ["--checks", "no_fault_of_ours", "--max-examples", str(examples), "--seed", str(seed)]
    command += ["--phases", phases]
    command += ["--continue-on-failure", "--generation-database", "none", "--no-color", "--request-timeout", "30"]
    root = Path(__file__).parents[1]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "benchmarks.fuzz_checks", "PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    made = re.search(r"(\d[\d,]*) generated", done.stdout)
    report = "" if done.returncode == 0 and made else done.stdout[-6_000:] + done.stderr[-2_000:]
    return int(made[1].replace(",", "")) if made else 0, report


def send_probes(url: str, names: Sequence[str] = ()) -> tuple[Counter[str], list[str]]:
    """How the probes were answered, and which of them badly."""
    chosen = {name: raw for name, raw in probes(KEY).items() if not names or name in names}
    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = dict(zip(chosen, pool.map(lambda raw: answer_to(url, raw), chosen.values()), strict=True))
    counted = Counter(answer[9:12].decode("latin-1") or "closed" for answer in answers.values())
    return counted, [f"{name}: {answer[:200]!r}" for name, answer in answers.items() if is_bad(answer)]


def is_bad(said: bytes) -> bool:
    """Whether one of the answers is a 5xx without a time to come back, or shows our insides."""
    heads = re.findall(rb"HTTP/1\.1 (5\d\d)[^\r]*\r\n(.*?)\r\n\r\n", said, re.DOTALL)
    faults = [status for status, head in heads if status != b"503" or b"retry-after:" not in head.lower()]
    return bool(faults) or any(part in said for part in INSIDES)


def healthy(url: str) -> bool:
    return all(httpx.get(f"{url}/health/{name}", timeout=10, trust_env=False).is_success for name in ("live", "ready"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="examples for each operation")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, serving(Path(name), RATE_LIMIT_FAILED_KEYS="off") as url:
        answered, bad = send_probes(url)
        print(f"byte probes: {answered.total()}, answered {dict(answered.most_common())}; bad: {len(bad)}")
        print("\n".join(bad))
        cases, report = fuzz_document(url, Path(name), examples=options.examples, seed=options.seed)
        print(f"schemathesis: {cases} cases, seed {options.seed}" + (f"\n{report}" if report else ", none failed"))
        alive = healthy(url)
    print("health answers" if alive else "HEALTH DOES NOT ANSWER")
    sys.exit(1 if bad or report or not alive else 0)


if __name__ == "__main__":
    main()
