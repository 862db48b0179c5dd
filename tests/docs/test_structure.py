"""The documentation follows the structure of the project: its packages, decision records, and pages named in code."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from include.distill.core.paths import PROJECT_ROOT
from tests.docs.pages import names, page, rows, section

SETTINGS = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
LAYERS = section(page("explanation/architecture.md"), "## Layers")
CODE = ("container", "dags", "include", "plugins", "tests", "tools")


def levels_in_contract(container: str) -> list[set[str]]:
    """Return the packages of each level, the lowest first; a single module is not a package."""
    (contract,) = (
        contract for contract in SETTINGS["importlinter"]["contracts"] if contract.get("containers") == [container]
    )
    folder = PROJECT_ROOT / {"include.distill": "include/distill"}.get(container, f"plugins/{container}")
    levels = [set(re.split(r"\s*\|\s*", layer)) for layer in reversed(contract["layers"])]
    return [packages for level in levels if (packages := {name for name in level if (folder / name).is_dir()})]


@pytest.mark.parametrize(
    ("container", "intro"),
    [
        pytest.param("include.distill", "The packages of `include/distill`", id="include"),
        pytest.param("bedrock_distill", "The packages of `plugins/bedrock_distill`", id="plugins"),
    ],
)
def test_the_levels_of_the_architecture_page_are_those_that_are_enforced(container: str, intro: str) -> None:
    table = LAYERS.partition(intro)[2].partition("\n\n")[2].partition("\n\n")[0]
    documented = [set(names(cells[1])) for cells in rows(table)]
    assert documented == levels_in_contract(container), f"docs/explanation/architecture.md: {intro}"


def decision_records() -> list[Any]:
    folder = PROJECT_ROOT / "docs" / "decisions"
    return [pytest.param(path, id=path.stem) for path in sorted(folder.glob("[0-9]*.md"))]


@pytest.mark.parametrize("path", decision_records())
def test_every_decision_is_in_the_index_and_has_its_three_parts(path: Any) -> None:
    title, *lines = path.read_text(encoding="utf-8").splitlines()
    number = int(path.stem.partition("-")[0])
    assert title.startswith(f"# {number}. ")
    assert f"| {number} | [{title.partition('. ')[2]}]({path.name}) |" in page("decisions/README.md"), (
        "docs/decisions/README.md"
    )
    assert [line for line in lines if line.startswith("## ")] == ["## Decision", "## Reason", "## Alternatives"]


def test_every_page_is_in_the_index() -> None:
    index = page("README.md")
    folder = PROJECT_ROOT / "docs"
    pages = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}
    indexed = {path for path in pages if f"({path}" in index}
    missing = sorted(path for path in pages - indexed - {"README.md"} if not path.startswith("decisions/"))
    assert missing == [], f"add links to {missing} to docs/README.md"


def test_every_page_that_the_code_names_exists() -> None:
    files = [path for folder in CODE for path in (PROJECT_ROOT / folder).rglob("*") if path.suffix in (".py", ".yaml")]
    named = {
        name
        for path in files
        for name in re.findall(r"\bdocs/[\w/-]+\.(?:md|schema\.json|png)", path.read_text(encoding="utf-8"))
    }
    assert sorted(name for name in named if not (PROJECT_ROOT / name).exists()) == []
    assert "docs/reference/curation.md" in named


def test_every_library_in_the_decision_is_required() -> None:
    used, _, _ = section(page("decisions/0020-libraries.md"), "## Decision").partition("| work | written by hand in |")
    files = ("requirements.txt", "requirements-dev.txt")
    required = "".join((PROJECT_ROOT / name).read_text(encoding="utf-8") for name in files)
    libraries = {names(cells[1])[0] for cells in rows(used)}
    missing = sorted(library for library in libraries if not re.search(rf"(?mi)^{library}\b", required))
    assert missing == [], f"docs/decisions/0020-libraries.md names libraries that {files} do not require: {missing}"
    assert len(libraries) > 8
