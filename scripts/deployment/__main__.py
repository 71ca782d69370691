"""`make deployment`, or `python -m scripts.deployment --folder FOLDER` to keep the plain Debian for the next time."""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.deployment.compose import read_compose
from scripts.deployment.debian import CannotBuild, make_base
from scripts.deployment.dockerfile import NotUnderstood, Stage, read_dockerfile
from scripts.deployment.image import ImageBuild
from scripts.deployment.report import Report
from scripts.deployment.stand_ins import make_stand_in

ROOT = Path(__file__).parents[2]
APART = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", type=Path, help="Where the roots are made. [default: a folder that is removed]")
    folder = options.parse_args().folder
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that nothing goes on without this process
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            return _shown(folder.resolve())
        with tempfile.TemporaryDirectory(prefix="restock-deployment-", dir="/var/tmp") as made:
            return _shown(Path(made))
    except (CannotBuild, NotUnderstood) as error:
        print(error, file=sys.stderr)
        return 2


def _shown(folder: Path) -> int:
    report = Report()
    base, work = folder / "base", folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    if not base.exists():
        report.tell("A Debian of this machine's release, by debootstrap")
        make_base(base)
    stages = read_dockerfile((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    _compare_python(base, stages, report)
    image = ImageBuild(ROOT, base, work, tell=report.tell).carry_out(stages)
    for service in read_compose(ROOT).services.values():
        if "build" not in service.said:
            name = service.image.partition(":")[0]
            report.tell(f"{service.image} is played by {make_stand_in(name, base, work / name)}")
    trial = [sys.executable, "-m", "scripts.deployment.trial", str(work), str(image)]
    return subprocess.run([*APART, *trial], cwd=ROOT, check=False).returncode


def _compare_python(base: Path, stages: list[Stage], report: Report) -> None:
    said = subprocess.run(["chroot", str(base), "python", "--version"], capture_output=True, text=True, check=True)
    for image in dict.fromkeys(stage.base for stage in stages):
        report.tell(f"{image} is played by Debian's {said.stdout.strip()}")


if __name__ == "__main__":
    sys.exit(main())
