"""Runs the project as compose.yaml says, and looks whether it does what is promised.

It runs in a network and process namespace of its own, so that nothing is left behind when it ends.
"""

import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from scripts.deployment.compose import make_secrets, read_compose
from scripts.deployment.container import PATIENCE_SECONDS, Container, Image
from scripts.deployment.debian import PATH
from scripts.deployment.desk import Desk
from scripts.deployment.dockerfile import Configuration, read_dockerfile
from scripts.deployment.engine import Engine
from scripts.deployment.inspection import Inspection
from scripts.deployment.report import Report
from scripts.deployment.stand_ins import stand_in
from scripts.deployment.work import Work

ROOT = Path(__file__).parents[2]
PUBLIC_URL = "https://restock.example"
"""What the operator would set: TLS ends before the proxy."""
ORDER = ("database", "migrate", "restock", "worker", "proxy")
ASKED = r'"model_call".*"run_id": "(\w+)"'
PLACED = r'"order_placed".*"run_id": "(\w+)"'
REDELIVERED = '"job_redelivered"'
MOST_ROUNDS = 6
CATCH_SECONDS = 60
"""Of a round. A worker that got no run of its queue in that time is killed idle, and the next round tries again."""
CANNOT = """\
What this trial cannot show: that the images of compose.yaml can be pulled and are what they say (Debian's PostgreSQL
and nginx stood in for them, and Debian's Python for the base image); layers and their cache; the engine's own network,
published ports, name server and memory limits; that providers of models and receivers of webhooks are reached, since
nothing here reaches the outside; other processors than this machine's."""


class Trial:
    """The parts of the report, in order."""

    def __init__(self, folder: Path, root: Path, report: Report) -> None:
        self.report = report
        self.engine = _engine(folder, root)
        self.secrets = {path.name: path.read_text() for path in (folder / "secrets").iterdir()}

    def run(self) -> None:
        try:
            if self.starts():
                self.does_what_it_should()
        finally:
            self.engine.stop()

    def does_what_it_should(self) -> None:
        inspection = Inspection(self.engine, self.secrets, self.report)
        inspection.of_limits()
        inspection.of_networks()
        with self.client() as client:
            work = Work(client, self.report)
            work.is_done()
            desk = Desk(client, PUBLIC_URL, self.report)
            desk.opens(self.engine.containers["restock"].execute("restock", "sign-in").stdout.strip())
            self.survives_an_upgrade(work, desk)
            self.survives_a_killed_worker(work)
            inspection.of_logs()
            work.is_counted()
            inspection.of_the_worker()
            inspection.of_memory()
        self.ends()

    def starts(self) -> bool:
        """Whether all of it does."""
        self.report.title("Starting, in the order of compose.yaml")
        for name in ORDER:
            container = self.engine.make(name)
            if name == "migrate":
                well = container.run_to_its_end() == 0
                self.report.check("the schema is made by a step of its own", well, container.last_lines(1))
            else:
                container.start()
                well = container.becomes_healthy()
                said = "" if well else container.last_lines(12)
                self.report.check(f"{name} becomes healthy by its own check", well, said)
            if not well:
                return False
        return True

    def client(self) -> httpx.Client:
        address = self.engine.networks.addresses["proxy"]["published"]
        key = {"X-API-Key": self.secrets["api_key"]}
        return httpx.Client(base_url=f"http://{address}:8080", headers=key, trust_env=False, timeout=PATIENCE_SECONDS)

    def survives_an_upgrade(self, work: Work, desk: Desk) -> None:
        self.report.title("The service's container is stopped and made anew")
        old = self.engine.containers["restock"]
        seen = f"{old.stop():.1f} of {old.service.grace_seconds:.0f} s, code {old.ended_with}"
        self.report.check("it ends by itself when it is asked to", old.ended_with == 0, seen)
        new = self.engine.make("restock")
        new.start()
        self.report.check("a new one becomes healthy", new.becomes_healthy())
        work.is_still_there()
        desk.is_still_open()

    def survives_a_killed_worker(self, work: Work) -> None:
        self.report.title("A worker is killed while it works")
        runs = list[str]()
        for _ in range(MOST_ROUNDS):
            with work.queueing() as queued:
                self._kill_the_worker()
            runs += queued
            work.are_each_carried_out_once(runs)
            if self._redelivered():
                break
        self.report.check("what it had in its hands was taken over", self._redelivered(), f"{self._redelivered()} runs")

    def _redelivered(self) -> int:
        logs = [self.engine.containers[name].log.read_text() for name in ("restock", "worker")]
        return sum(log.count(REDELIVERED) for log in logs)

    def _kill_the_worker(self) -> None:
        worker = self.engine.containers["worker"]
        seen, starts = len(worker.log.read_text()), worker.starts
        _wait_until(lambda: _is_caught_in_a_run(worker, seen))
        worker.kill()
        again = worker.becomes_healthy(beyond=starts)
        self.report.check("the killed worker is replaced", again, f"start {worker.starts}")

    def ends(self) -> None:
        self.report.title("Stopping")
        self.engine.stop()
        codes = {name: each.ended_with for name, each in self.engine.containers.items() if each.service.restarts}
        self.report.check("each ends by itself when it is asked to", set(codes.values()) == {0}, codes)


def _engine(folder: Path, root: Path) -> Engine:
    """The containers of the project, on the image that was built and on stand-ins for the others."""
    configuration = Configuration({"PATH": PATH})
    for step in read_dockerfile((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1].instructions:
        configuration.apply(step)
    project = read_compose(ROOT, {"PUBLIC_URL": PUBLIC_URL})
    make_secrets(ROOT / "compose.yaml", folder)
    images = {}
    for service in project.services.values():
        name = service.image.partition(":")[0]
        ours = "build" in service.said
        images[service.image] = Image(root, configuration) if ours else stand_in(name, folder / name)
    return Engine(project, images, folder, folder)


def _is_caught_in_a_run(worker: Container, seen: int) -> bool:
    """Whether it is frozen in the middle of a run. Only what stands still can be looked at without haste."""
    if not _is_in_a_run(worker.log.read_text()[seen:]):
        return False
    worker.send(signal.SIGSTOP)
    if _is_in_a_run(worker.log.read_text()[seen:]):
        return True
    worker.send(signal.SIGCONT)
    return False


def _is_in_a_run(log: str) -> bool:
    """Whether a run has asked its model and has not placed its order."""
    return not set(re.findall(ASKED, log)) <= set(re.findall(PLACED, log))


def _wait_until(seen: Callable[[], bool], seconds: float = CATCH_SECONDS) -> None:
    until = time.monotonic() + seconds
    while not seen() and time.monotonic() < until:
        time.sleep(0.002)


def main(folder: Path, root: Path) -> int:
    report = Report()
    Trial(folder, root, report).run()
    print(f"\n{CANNOT}")
    return report.end()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
