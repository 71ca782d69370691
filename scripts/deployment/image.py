"""Carries out a Dockerfile's instructions in Debian roots."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from scripts.deployment.debian import PATH, CannotBuild, copy_of, pip_access
from scripts.deployment.dockerfile import Configuration, Instruction, Stage, sent_files
from scripts.deployment.jail import Jail


class ImageBuild:
    """One build: each stage gets a root of its own, and the last one is the image."""

    def __init__(self, context: Path, base: Path, folder: Path, *, tell: Callable[[str], None]) -> None:
        self._context, self._base, self._folder, self._tell = context, base, folder, tell
        self._sent = sent_files(context)
        self._roots: dict[str, Path] = {}

    def carry_out(self, stages: list[Stage]) -> Path:
        """The root of the image."""
        for number, stage in enumerate(stages):
            root = copy_of(self._base, self._folder / (stage.name or f"stage-{number}"))
            self._roots[stage.name] = self._roots[str(number)] = root
            configuration = Configuration({"PATH": PATH})
            for step in stage.instructions:
                self._tell(str(step))
                configuration.apply(step)
                self._carry_out(step, root, configuration)
        return root

    def _carry_out(self, step: Instruction, root: Path, configuration: Configuration) -> None:
        match step.name:
            case "RUN":
                self._run(step, root, configuration)
            case "COPY":
                *sources, target = step.words
                for source in sources:
                    self._copy(step, source, root / Path(configuration.workdir, target).relative_to("/"), target)
            case "WORKDIR":
                (root / configuration.workdir.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _run(self, step: Instruction, root: Path, configuration: Configuration) -> None:
        variables, mounts = pip_access()
        environment = configuration.environment | variables
        user = None if configuration.user == "0" else configuration.user
        jail = Jail(root, environment, configuration.workdir, user, mounts)
        done = subprocess.run(
            jail.starting(["/bin/sh", "-c", step.words[0]]),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotBuild(f"{step} ended with {done.returncode}:\n" + "\n".join(done.stdout.splitlines()[-15:]))

    def _copy(self, step: Instruction, source: str, target: Path, written: str) -> None:
        """A file or a folder's contents, from the files that are sent or from another stage."""
        if "from" in step.flags:
            shutil.copytree(self._roots[step.flags["from"]] / source.lstrip("/"), target, symlinks=True)
            return
        wanted = [path for path in self._sent if path.is_relative_to(source)]
        if not wanted:
            raise CannotBuild(f"{step}: there is no {source}, or .dockerignore leaves it out")
        for path in wanted:
            if path == Path(source):
                place = target / path.name if written.endswith("/") else target
            else:
                place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self._context / path, place)
