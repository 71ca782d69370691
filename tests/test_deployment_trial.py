"""What `make deployment` reads: each line of Dockerfile, .dockerignore and compose.yaml, none in silence."""

import os
import subprocess
from pathlib import Path

import pytest

from scripts.deployment.compose import make_secrets, read_compose
from scripts.deployment.dockerfile import Configuration, NotUnderstood, read_dockerfile, sent_files
from scripts.deployment.jail import inside
from scripts.deployment.stand_ins import PACKAGES
from scripts.deployment.trial import ORDER

ROOT = Path(__file__).parents[1]
STAGES = read_dockerfile((ROOT / "Dockerfile").read_text())


def configuration_of(text: str) -> Configuration:
    configuration = Configuration({"PATH": "/bin"})
    for step in read_dockerfile(text)[-1].instructions:
        configuration.apply(step)
    return configuration


def test_every_line_of_our_dockerfile_is_understood() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    begin = [number for number, line in enumerate(lines, 1) if line[:1].isupper()]
    read = [step.line for stage in STAGES for step in stage.instructions]

    assert len(STAGES) == 2
    assert len(read) + len(STAGES) == len(begin)
    assert set(read) < set(begin)


def test_the_image_runs_as_our_dockerfile_says() -> None:
    image = configuration_of((ROOT / "Dockerfile").read_text())

    assert (image.user, image.workdir, image.volumes) == ("10001", "/data", ["/data"])
    assert [*image.entrypoint, *image.command] == ["restock", "serve"]
    assert image.environment["PATH"] == "/opt/restock/bin:/bin"
    assert image.environment["CHECKPOINT_PATH"] == "/data/checkpoints.db"
    assert image.health[0] == "python"
    assert 'os.environ["PORT"]' in image.health[2]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ADD a b", "Dockerfile:2: ADD is not known"),
        ("RUN --mount=type=cache pip install x", "Dockerfile:2: RUN with mount is not known"),
        ("COPY --link a b", "Dockerfile:2: COPY with --link is not known"),
        ("CMD restock serve", "Dockerfile:2: write CMD as a list"),
        ("RUN a \\", "Dockerfile:2: the last line goes on"),
    ],
)
def test_a_line_that_is_not_understood_is_refused_with_its_number(line: str, words: str) -> None:
    with pytest.raises(NotUnderstood, match=words):
        read_dockerfile(f"FROM a\n{line}")


def test_an_instruction_before_the_first_image_is_refused() -> None:
    with pytest.raises(NotUnderstood, match="Dockerfile:2: USER stands before FROM"):
        read_dockerfile("# none\nUSER 1\nFROM a")


def test_values_of_one_env_do_not_see_each_other() -> None:
    image = configuration_of("FROM a\nENV A=1\nENV A=2 B=$A PATH=/x:${PATH}")

    assert image.environment == {"A": "2", "B": "1", "PATH": "/x:/bin"}


def test_the_build_is_sent_the_packages_with_their_data_and_nothing_else() -> None:
    sent = {path.as_posix() for path in sent_files(ROOT)}
    tracked = subprocess.run(["git", "ls-files", "agent", "api", "tools"], cwd=ROOT, capture_output=True, text=True)

    assert set(tracked.stdout.split()) <= sent
    assert {path.split("/")[0] for path in sent} == {
        *("agent", "api", "tools", "pyproject.toml", "requirements.lock", "README.md"),
    }
    assert not [path for path in sent if "__pycache__" in path]


def test_a_later_rule_takes_files_out_again(tmp_path: Path) -> None:
    for name in ("kept.py", "left.pyc", "inner/left.pyc", "inner/kept.py"):
        (tmp_path / "package" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "package" / name).touch()
    (tmp_path / ".dockerignore").write_text("# rules\n*\n!package\n**/*.pyc\n")

    assert {path.as_posix() for path in sent_files(tmp_path)} == {"package/kept.py", "package/inner/kept.py"}


def test_the_trial_plays_every_service_of_the_compose_file() -> None:
    project = read_compose(ROOT, {"PUBLIC_URL": "https://a.example"})
    others = {each.image.partition(":")[0] for each in project.services.values() if "build" not in each.said}

    assert set(project.services) == set(ORDER)
    assert others == set(PACKAGES)
    assert project.services["restock"].environment["PUBLIC_URL"] == "https://a.example"
    assert read_compose(ROOT, {}).services["worker"].environment["PUBLIC_URL"] == "http://127.0.0.1:8080"
    assert project.services["restock"].networks == {"inside": "172.30.5.10", "outside": None}
    assert (project.services["worker"].memory_bytes, project.services["worker"].grace_seconds) == (2**30, 30.0)


def test_what_the_trial_would_leave_undone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {a: {image: b, privileged: true}}\nnetworks: {}\nsecrets: {}")

    with pytest.raises(ValueError, match=r"a has privileged"):
        read_compose(tmp_path)


def test_the_head_of_the_compose_file_makes_every_secret_and_each_can_be_read(tmp_path: Path) -> None:
    before = os.umask(0o077)
    make_secrets(ROOT / "compose.yaml", tmp_path)
    os.umask(before)
    secrets = {file: tmp_path / file for file in read_compose(ROOT).secrets.values()}

    password = (tmp_path / "secrets" / "database_password").read_text()
    assert len(password) == 48
    assert f":{password}@database:" in (tmp_path / "secrets" / "database_url").read_text()
    assert {oct(path.stat().st_mode & 0o777) for path in secrets.values()} == {"0o644"}
    assert oct((tmp_path / "secrets").stat().st_mode & 0o777) == "0o700"


def test_links_of_a_root_do_not_lead_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "run").symlink_to("/run")
    (tmp_path / "var" / "lock").symlink_to("run/lock")

    assert inside(tmp_path, "/var/run/x") == tmp_path / "run" / "x"
    assert inside(tmp_path, "/var/lock") == tmp_path / "run" / "lock"
