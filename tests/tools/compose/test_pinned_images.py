"""``make pin-images`` writes only digests that Docker has looked up, and changes nothing if one look-up fails."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from tools.compose import pinned_images
from tools.compose.pinned_images import main, pin

FILES = ("docker-compose.yaml", "Dockerfile")
IMAGES = {"postgres", "redis", "apache/airflow"}


class Docker:
    """A Docker that answers as the real one does. ``answers`` replaces the output for an image's name."""

    def __init__(self, letter: str = "a", **answers: str) -> None:
        self.letter, self.answers = letter, answers
        self.pulled: list[str] = []

    def __call__(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        image = command[-1]
        name = image.rpartition(":")[0]
        if command[1] == "pull":
            self.pulled.append(image)
            fails = self.answers.get(name) == "not found"
            return subprocess.CompletedProcess(command, int(fails), "", "manifest unknown" if fails else "")
        digest = json.dumps([f"other@sha256:{'f' * 64}", f"{name}@sha256:{self.letter * 64}"])
        return subprocess.CompletedProcess(command, 0, self.answers.get(name, digest), "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        text = (PROJECT_ROOT / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(re.sub(r"@sha256:[0-9a-f]{64}", "", text), encoding="utf-8")
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    return {name: (folder / name).read_text(encoding="utf-8") for name in FILES}


def test_every_image_from_a_registry_gets_its_digest_and_nothing_else_changes(folder: Path) -> None:
    before = contents(folder)
    docker = Docker()
    pinned = pin(folder, docker)
    assert {image.rpartition(":")[0] for image in docker.pulled} == IMAGES
    assert pinned == [f"{image}@sha256:{'a' * 64}" for image in docker.pulled]
    for image in docker.pulled:
        assert f"{image}@sha256:{'a' * 64}" in "".join(contents(folder).values())
    assert {name: text.replace(f"@sha256:{'a' * 64}", "") for name, text in contents(folder).items()} == before


# Each line as it is after pinning. Before, it lacks every ``@DIGEST``.
COMPOSE_LINES = (
    '    image: "redis:7.2.11@DIGEST"',
    "    image: 'redis:7.2.11@DIGEST' # queue",
    "    image:  localhost:5000/redis:7.2.11@DIGEST",
    "    image: bedrock-distill",
    "a: {b: {image: redis:7.2@DIGEST, c: d}}",
    "x-a: &a\n  image: &i redis:7.2@DIGEST\nb: {image: *i}",
    "a:\n  image: !override redis:7.2@DIGEST\n  b: !reset c",
    "a:\n  image:\n    redis:7.2@DIGEST",
    'a: "see image: redis:7.2"\nb: # image: redis:7.2',
)
DOCKERFILE_LINES = (
    "FROM --platform=linux/amd64 redis:7.2@DIGEST AS x",
    "from redis:7.2@DIGEST as x",
    "FROM redis:7.2@DIGEST AS base\nFROM base AS x",
    "COPY --from=redis:7.2@DIGEST /a /b",
    "COPY --chown=1 --from=redis:7.2@DIGEST \\\n  /a /b",
    "COPY \\\n  --from=redis:7.2@DIGEST /a /b",
    "FROM redis:7.2@DIGEST AS Build\nCOPY --from=build /a /b\nCOPY --from=0 /a /b",
    "RUN --mount=type=bind,from=redis:7.2@DIGEST,target=/a --mount=from=ab/c:1@DIGEST,target=/b ls",
    "RUN --mount=type=cache,target=/from:1 ls",
    "ARG BASE=redis:7.2@DIGEST\nFROM ${BASE}",
    'ARG A=b:1 B="redis:7.2@DIGEST"\nFROM $B AS x',
    "# FROM redis:7.2\nFROM scratch",
    "FROM localhost:5000/a/redis:7.2@DIGEST",
)


@pytest.mark.parametrize(
    ("name", "pinned"),
    [("docker-compose.yaml", lines) for lines in COMPOSE_LINES] + [("Dockerfile", lines) for lines in DOCKERFILE_LINES],
)
def test_other_spellings_of_an_image_are_pinned(folder: Path, name: str, pinned: str) -> None:
    (folder / name).write_text(pinned.replace("@DIGEST", ""), encoding="utf-8")
    pin(folder, Docker())
    assert contents(folder)[name] == pinned.replace("@DIGEST", f"@sha256:{'a' * 64}")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("Dockerfile", "FROM redis", "the image redis cannot be pinned, because it has no tag"),
        ("Dockerfile", "COPY --from=ab/redis /a /b", "the image ab/redis cannot be pinned"),
        ("Dockerfile", "RUN --mount=from=localhost:5000/redis,target=/a ls", "has no tag"),
        ("Dockerfile", "ARG TAG=7.2\nFROM redis:${TAG}", "contains a variable"),
        ("Dockerfile", "ARG BASE\nFROM $BASE", "contains a variable"),
        ("Dockerfile", "FROM ${BASE:-redis:7.2}", "contains a variable"),
        ("docker-compose.yaml", "a: {image: '${IMAGE:-redis:7.2}'}", "contains a variable"),
        ("docker-compose.yaml", 'a: {image: "redis:7\\x2e2"}', "is not written on one line"),
    ],
)
def test_an_image_that_cannot_be_pinned_is_named_and_nothing_is_changed(
    folder: Path, name: str, text: str, reason: str
) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    before, docker = contents(folder), Docker()
    with pytest.raises(InputError, match=rf"^{name}: .*{reason}.*No file was changed"):
        pin(folder, docker)
    assert (contents(folder), docker.pulled) == (before, [])


@pytest.mark.parametrize("name", ["docker-compose.override.yml", "compose.yaml", "Dockerfile.worker", "a.Dockerfile"])
def test_images_in_other_files_of_docker_are_pinned(folder: Path, name: str) -> None:
    text = "FROM redis:7.2" if "Dockerfile" in name else "a: {image: redis:7.2}"
    (folder / name).write_text(text, encoding="utf-8")
    pin(folder, Docker())
    assert f"redis:7.2@sha256:{'a' * 64}" in (folder / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["docker.io/library/redis", "docker.io/redis", "library/redis", "redis"])
def test_the_name_of_an_image_may_have_its_registry(folder: Path, name: str) -> None:
    pin(folder, Docker(redis=json.dumps([f"{name}@sha256:{'d' * 64}"])))
    assert f"redis:7.2.11-bookworm@sha256:{'d' * 64}" in contents(folder)["docker-compose.yaml"]


def test_several_digests_of_one_image_are_refused(folder: Path) -> None:
    before = contents(folder)
    several = json.dumps([f"redis@sha256:{'c' * 64}", f"redis@sha256:{'d' * 64}"])
    with pytest.raises(InputError, match=r"several digests for redis.*No file was changed\. Run docker image rm redis"):
        pin(folder, Docker(redis=several))
    assert contents(folder) == before


def test_pinning_again_replaces_the_digests_of_the_same_tags(folder: Path) -> None:
    pin(folder, Docker())
    pin(folder, Docker("b"))
    text = "".join(contents(folder).values())
    assert (text.count("@sha256:" + "b" * 64), text.count("@sha256:" + "a" * 64)) == (3, 0)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param("not found", "could not pull redis:.*manifest unknown", id="unknown tag or no network"),
        pytest.param("[]", "reports no digest", id="an image that was built here"),
        pytest.param("", "reports no digest", id="no output"),
        pytest.param("null", "reports no digest", id="null"),
        pytest.param("[1]", "reports no digest", id="another shape"),
        pytest.param('["redis@sha256:abc"]', "reports no digest", id="a digest that is cut off"),
        pytest.param(f'["mirror/redis@sha256:{"c" * 64}"]', "reports no digest", id="the digest of another image"),
    ],
)
def test_a_digest_that_was_not_looked_up_is_never_written(folder: Path, answer: str, reason: str) -> None:
    before = contents(folder)
    with pytest.raises(InputError, match=rf"{reason}.*No file was changed\. Run make pin-images again"):
        pin(folder, Docker(redis=answer))
    assert contents(folder) == before


@pytest.mark.parametrize("error", [FileNotFoundError("docker"), PermissionError("docker")])
def test_without_docker_the_command_says_so_and_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError
) -> None:
    def fail(_: Sequence[str]) -> subprocess.CompletedProcess[str]:
        raise error

    before = contents(folder)
    monkeypatch.setattr(pinned_images.pin, "__defaults__", (fail,))
    assert main(folder) == 2
    message = capsys.readouterr().err
    for part in ("cannot be looked up, because Docker cannot be run", "No file was changed", "a machine with Docker"):
        assert part in message
    assert contents(folder) == before


def test_without_a_program_named_docker_the_real_command_fails_in_the_same_way(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(InputError, match="Docker cannot be run"):
        pin(folder)


def test_every_image_from_a_registry_has_a_full_version_as_its_tag() -> None:
    services = yaml.safe_load((PROJECT_ROOT / "docker-compose.yaml").read_text())["services"]
    images = {service["image"] for service in services.values() if "build" not in service}
    images |= set(re.findall(r"^FROM (\S+:\S+)", (PROJECT_ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert {image.partition("@")[0].rpartition(":")[0] for image in images} == IMAGES
    versions = {"postgres": r"\d+\.\d+-bookworm", "redis": r"\d+\.\d+\.\d+-bookworm"}
    for image in images:
        name, _, tag = image.partition("@")[0].rpartition(":")
        assert re.fullmatch(versions.get(name, r"slim-\d+\.\d+\.\d+-python3\.11"), tag), image
