from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement

from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from tools.mwaa.requirements import MISSING_IN_MWAA, mwaa_requirements

TEXT = (PROJECT_ROOT / "requirements.txt").read_text(encoding="utf-8")
LOCK = (PROJECT_ROOT / "requirements.lock").read_text(encoding="utf-8")
CONSTRAINTS = (PROJECT_ROOT / "tools" / "mwaa" / "constraints.txt").read_text(encoding="utf-8")


def pinned(text: str) -> dict[str, set[str]]:
    """Return the versions that a list of pins or a lock file names, by package."""
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]+\])?==([^ \n;]+)", text, re.MULTILINE):
        versions.setdefault(name.lower().replace("_", "-"), set()).add(version)
    return versions


def required(text: str) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line]


@pytest.mark.parametrize("name", ["requirements.lock", "tools/mwaa/constraints.txt"])
def test_the_tested_versions_satisfy_the_requirements(name: str) -> None:
    versions = pinned((PROJECT_ROOT / name).read_text(encoding="utf-8"))
    wrong = [
        f"{requirement} but {version}"
        for requirement in required(TEXT)
        for version in versions[requirement.name.lower()]
        if version not in requirement.specifier
    ]
    assert wrong == []


@pytest.mark.parametrize("requirement", required(TEXT), ids=str)
def test_every_floor_was_tested(requirement: Requirement) -> None:
    """A floor is a version of MWAA, or a version that the lock has, for example for Python 3.11."""
    floors = [spec.version for spec in requirement.specifier if spec.operator == ">="]
    if requirement.name == "apache-airflow":
        assert floors == ["3.2"]  # Airflow 3.2 is tested in an environment of its own
        return
    name = requirement.name.lower()
    tested = pinned(LOCK).get(name, set()) | pinned(CONSTRAINTS).get(name, set())
    assert [version for version in tested for floor in floors if f"{version}.".startswith(f"{floor}.")]


def test_mwaa_gets_only_the_packages_that_it_lacks() -> None:
    text = mwaa_requirements(TEXT)
    assert tuple(requirement.name for requirement in required(text)) == MISSING_IN_MWAA


def test_mwaa_forces_its_own_versions_because_no_line_names_constraints() -> None:
    own = TEXT.replace("numpy>=2.4,<3", "numpy>=2.4,<3  # see -c constraints")
    assert own != TEXT
    assert not re.search(r"-c |--constraint ", mwaa_requirements(own))


def test_a_requirement_that_disappears_is_reported() -> None:
    with pytest.raises(InputError, match=r"does not name scipy, .*No package was built"):
        mwaa_requirements(TEXT.replace("\nscipy", "\n# scipy"))
