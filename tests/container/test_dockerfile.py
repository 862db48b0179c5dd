"""Check the content of the images: locked packages and production code, and ``tools/`` only for the AWS simulator."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import pytest
import yaml

from include.distill.core.paths import PROJECT_ROOT

DOCKERFILE = (PROJECT_ROOT / "Dockerfile").read_text()
IGNORED = PROJECT_ROOT / ".dockerignore"
SERVICES = yaml.safe_load((PROJECT_ROOT / "docker-compose.yaml").read_text())["services"]
FROM = re.compile(r"(?P<base>\S+)(?: AS (?P<name>\S+))?", re.IGNORECASE)
CODE = {"dags", "plugins", "include", "container"}


@dataclass
class Stage:
    """One stage of a Dockerfile: what it copies from the checkout, and its other instructions."""

    copied: set[str] = field(default_factory=set)
    instructions: list[tuple[str, str]] = field(default_factory=list)


def read_stages(text: str) -> dict[str, Stage]:
    """Return the stages by name. Each stage includes the instructions of its base."""
    stages: dict[str, Stage] = {}
    stage = Stage()
    for line in text.replace("\\\n", " ").splitlines():
        instruction, _, rest = line.strip().partition(" ")
        if not instruction or instruction.startswith("#"):
            continue
        if instruction.upper() == "FROM":
            named = FROM.fullmatch(rest)
            assert named, line
            base = stages.get(named["base"], Stage())
            stage = stages[named["name"] or str(len(stages))] = Stage(set(base.copied), list(base.instructions))
        else:
            stage.instructions.append((instruction.upper(), rest))
            if instruction.upper() in ("COPY", "ADD"):
                *sources, _ = [part for part in shlex.split(rest) if not part.startswith("--")]
                stage.copied |= {source.removeprefix("./").rstrip("/") for source in sources}
    return stages


STAGES = read_stages(DOCKERFILE)
PRODUCTION, SIMULATOR = STAGES["airflow"], STAGES["aws-simulator"]
PRODUCTION_SERVICES = [name for name, service in SERVICES.items() if service["image"] == "bedrock-distill"]


def test_the_production_image_contains_the_production_code_and_nothing_from_tools() -> None:
    assert PRODUCTION.copied == {"requirements.lock", *CODE}


def test_the_image_of_the_simulator_also_contains_the_tools_and_their_requirements() -> None:
    assert SIMULATOR.copied == PRODUCTION.copied | {"requirements-dev.lock", "tools", "deploy/cloudformation"}


def copied_files() -> list[PurePosixPath]:
    """Return the files of the checkout that a build of the production image copies."""
    rules = [line for line in IGNORED.read_text().splitlines() if line[:1] not in ("", "#", "!") and line != "*"]
    folders = (PROJECT_ROOT / name for name in sorted(CODE))
    files = [path.relative_to(PROJECT_ROOT) for folder in folders for path in folder.rglob("*") if path.is_file()]
    ignored = [re.compile(glob_pattern(rule)) for rule in rules]
    return [PurePosixPath(file) for file in files if not any(rule.match(file.as_posix()) for rule in ignored)]


def glob_pattern(rule: str) -> str:
    """Return a regular expression for a rule of ``.dockerignore``, which also excludes what is below a folder."""
    pattern = re.escape(rule).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
    return rf"{pattern}(?:/.*)?$"


def test_the_production_image_contains_no_tests_notes_or_caches() -> None:
    files = copied_files()
    assert {file.suffix for file in files} <= {".py", ".yaml", ".json", ".j2", ".css", ".csv", ".md", ""}
    assert [file for file in files if "__pycache__" in file.parts or "tests" in file.parts] == []
    assert {file.name for file in files if file.suffix == ".md"} == {"LICENSE.md"}
    assert {file.name for file in files if not file.suffix} == {".airflowignore"}


def test_the_image_contains_the_rows_of_the_sample_with_their_licence_and_no_notes() -> None:
    folder = PurePosixPath("include/data/aws_docs_qa")
    names = {file.name for file in copied_files() if file.parent == folder}
    assert names == {"train.csv", "evaluation.csv", "LICENSE.md", "ATTRIBUTION.csv"}


def test_every_file_comes_through_a_plain_copy_from_the_checkout() -> None:
    """``ADD``, ``COPY --from`` and a mounted build context could bring in ``tools/`` under another name."""
    for stage in STAGES.values():
        assert "ADD" not in [instruction for instruction, _ in stage.instructions]
        assert not [rest for _, rest in stage.instructions if "--from" in rest or "--mount" in rest]


def test_a_build_without_a_target_makes_the_production_image() -> None:
    assert list(STAGES)[-1] == "airflow"


@pytest.mark.parametrize("name", PRODUCTION_SERVICES)
def test_a_service_of_airflow_runs_the_production_image_and_none_of_the_tools(name: str) -> None:
    service = SERVICES[name]
    assert service["build"] == {"context": ".", "target": "airflow"}
    assert "tools" not in str([service["command"], service["healthcheck"]])
    assert all(volume.startswith("logs:") for volume in service["volumes"])  # a mounted checkout would hold tools/


def test_the_simulator_runs_from_its_own_image() -> None:
    service = SERVICES["aws-simulator"]
    assert service["build"] == {"context": ".", "target": "aws-simulator"}
    assert "tools.aws_simulator" in service["command"]


def test_the_build_context_contains_only_the_files_that_the_dockerfile_copies() -> None:
    lines = IGNORED.read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == SIMULATOR.copied


def test_the_image_installs_the_tested_packages_and_runs_as_an_ordinary_user() -> None:
    locked = dict(re.findall(r"^([\w.-]+)==(\S+) ", (PROJECT_ROOT / "requirements.lock").read_text(), re.MULTILINE))
    image = r"^FROM apache/airflow:(?:slim-)?([\d.]+)-python3\.11(?:@sha256:[0-9a-f]{64})? AS base$"
    base = re.search(image, DOCKERFILE, re.MULTILINE)
    assert base is not None
    assert base[1] == locked["apache-airflow"]
    installed = [rest for instruction, rest in PRODUCTION.instructions if instruction == "RUN" and "pip" in rest]
    assert installed == ["pip install --no-cache-dir --require-hashes -r requirements.lock"]
    assert [rest for instruction, rest in PRODUCTION.instructions if instruction == "USER"] == ["airflow"]
    settings = [rest for instruction, rest in PRODUCTION.instructions if instruction in ("ENV", "ARG")]
    assert settings == ["PYTHONPATH=/opt/airflow"]


@pytest.mark.parametrize(
    "line",
    ["COPY tools ./tools", "COPY dags ./tools/ ./", "COPY . .", "COPY --chown=root tools/aws_simulator ./tools/"],
)
def test_copying_tools_into_the_image_would_fail_these_tests(line: str) -> None:
    changed = read_stages(DOCKERFILE.replace("COPY container", f"{line}\nCOPY container"))
    assert changed["airflow"].copied != PRODUCTION.copied
