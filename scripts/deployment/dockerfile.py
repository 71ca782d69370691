"""Reads a Dockerfile and its .dockerignore. What it does not understand, it refuses."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

FLAGS = {
    "FROM": (),
    "ENV": (),
    "WORKDIR": (),
    "RUN": (),
    "COPY": ("from",),
    "USER": (),
    "VOLUME": (),
    "EXPOSE": (),
    "HEALTHCHECK": ("interval", "timeout", "start-period", "retries"),
    "ENTRYPOINT": (),
    "CMD": (),
}
"""The instructions that are understood, with their flags."""
_LISTS = ("ENTRYPOINT", "CMD")
_FLAG = re.compile(r"--([a-z-]+)=(\S+)\s+")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


class NotUnderstood(Exception):
    """A line that this reader does not know how to carry out."""


@dataclass(frozen=True)
class Instruction:
    """One instruction: `COPY --from=build /a /b` has the name COPY, one flag and two words."""

    line: int
    name: str
    flags: dict[str, str]
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"Dockerfile:{self.line}: {self.name} {' '.join(self.words)}"


@dataclass(frozen=True)
class Stage:
    """What stands between one FROM and the next."""

    base: str
    name: str
    instructions: tuple[Instruction, ...]


@dataclass
class Configuration:
    """How the image is run."""

    environment: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0"
    volumes: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    stop_signal: str = "SIGTERM"

    def apply(self, step: Instruction) -> None:
        """Note what an instruction says of it. RUN, COPY and EXPOSE say nothing."""
        match step.name:
            case "ENV":
                before = dict(self.environment)  # values of one ENV do not see each other
                pairs = (word.partition("=") for word in step.words)
                self.environment |= {name: _filled_in(value, before) for name, _, value in pairs}
            case "WORKDIR":
                self.workdir = str(PurePosixPath(self.workdir, step.words[0]))
            case "USER":
                self.user = step.words[0]
            case "VOLUME":
                self.volumes += step.words
            case "ENTRYPOINT":
                self.entrypoint = list(step.words)
            case "CMD":
                self.command = list(step.words)
            case "HEALTHCHECK":
                self.health = list(step.words)


def read_dockerfile(text: str) -> list[Stage]:
    """Its stages in order. Raises NotUnderstood with the line."""
    stages: list[Stage] = []
    for number, line in _joined(text):
        step = _instruction(number, line)
        if step.name == "FROM":
            stages.append(_stage(step))
        elif not stages:
            raise NotUnderstood(f"Dockerfile:{number}: {step.name} stands before FROM")
        else:
            stages[-1] = Stage(stages[-1].base, stages[-1].name, (*stages[-1].instructions, step))
    return stages


def sent_files(root: Path) -> list[Path]:
    """The files that a build may COPY, relative to the root: those that .dockerignore lets through."""
    rules = _rules((root / ".dockerignore").read_text())
    files = (path.relative_to(root) for top in _tops(root, rules) for path in sorted(top.rglob("*")) if path.is_file())
    singles = (path.relative_to(root) for path in root.iterdir() if path.is_file())
    return [path for path in (*singles, *files) if not _ignored(path, rules)]


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of their first line; comments and empty lines are left out."""
    parts: list[str] = []
    first = 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        first = first if parts else number
        parts.append(line.removesuffix("\\").strip())
        if not line.endswith("\\"):
            yield first, " ".join(parts)
            parts = []
    if parts:
        raise NotUnderstood(f"Dockerfile:{first}: the last line goes on with \\, and nothing follows")


def _instruction(number: int, line: str) -> Instruction:
    name, _, rest = line.partition(" ")
    if name not in FLAGS:
        raise NotUnderstood(f"Dockerfile:{number}: {name} is not known; teach scripts/deployment what it does")
    flags, rest = {}, rest.strip()
    while found := _FLAG.match(rest):
        flags[found[1]], rest = found[2], rest[found.end() :]
    if unknown := set(flags) - set(FLAGS[name]) or (rest.startswith("--") and {rest.split()[0]}):
        raise NotUnderstood(f"Dockerfile:{number}: {name} with {', '.join(unknown)} is not known")
    return Instruction(number, name, flags, _words(number, name, rest))


def _words(number: int, name: str, rest: str) -> tuple[str, ...]:
    """A list in brackets, a command as one word for the shell, or words."""
    if name == "HEALTHCHECK":
        rest = rest.removeprefix("CMD ")
    if rest.startswith("["):
        return tuple(json.loads(rest))
    if name in (*_LISTS, "HEALTHCHECK"):
        raise NotUnderstood(f"Dockerfile:{number}: write {name} as a list, so that no shell stands before the program")
    return (rest,) if name == "RUN" else tuple(shlex.split(rest))


def _stage(step: Instruction) -> Stage:
    match [word if index else word.lower() for index, word in enumerate(step.words[1:])]:
        case []:
            return Stage(step.words[0], "", ())
        case ["as", name]:
            return Stage(step.words[0], name, ())
    raise NotUnderstood(f"{step}: write FROM image, or FROM image AS name")


def _filled_in(value: str, environment: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda found: environment.get(found[1] or found[2], ""), value)


def _rules(text: str) -> list[tuple[bool, re.Pattern[str]]]:
    """Each rule: whether it takes files back in, and the paths that it means, with all below them."""
    lines = (line.strip() for line in text.splitlines())
    return [
        (line.startswith("!"), _pattern(line.removeprefix("!"))) for line in lines if line and not line.startswith("#")
    ]


def _pattern(glob: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    written = "".join(parts.get(part) or re.escape(part) for part in re.split(r"(\*\*/|\*|\?)", glob.strip("/")))
    return re.compile(f"{written}(?:/.*)?")


def _ignored(path: Path, rules: list[tuple[bool, re.Pattern[str]]]) -> bool:
    """The last rule that means the path decides."""
    meant = [back_in for back_in, pattern in rules if pattern.fullmatch(path.as_posix())]
    return bool(meant) and not meant[-1]


def _tops(root: Path, rules: list[tuple[bool, re.Pattern[str]]]) -> list[Path]:
    """Folders worth walking through: .git and virtual environments hold many files, none of which is sent."""
    return sorted(path for path in root.iterdir() if path.is_dir() and not _ignored(path.relative_to(root), rules))
