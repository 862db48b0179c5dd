"""Check names, sizes, docstrings and test files in the source. import-linter checks the layers."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.distill.core.paths import PROJECT_ROOT

# The folder of the tests, by the folder of the modules.
TEST_FOLDERS = {
    "include/distill": "tests/distill",
    "plugins/bedrock_distill": "tests/plugins",
    "tools": "tests/tools",
    "container": "tests/container",
}
DAGS = {"dags", *(path.stem for path in (PROJECT_ROOT / "dags").glob("*.py"))}


def sources(*folders: str) -> list[str]:
    """Return the Python files below folders of the project."""
    found = (path for folder in folders for path in (PROJECT_ROOT / folder).rglob("*.py"))
    return sorted(path.relative_to(PROJECT_ROOT).as_posix() for path in found)


def tree(source: str) -> ast.Module:
    return ast.parse((PROJECT_ROOT / source).read_text(encoding="utf-8"), filename=source)


def imported(source: str) -> set[str]:
    """Return the top-level names of everything that a file imports, at its top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source} line {node.lineno}: a relative import"
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def definitions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def functions(source: str) -> list[str]:
    """Return the names of the functions and methods of a file. Those of a protocol do nothing and do not count."""
    nodes = list(definitions(source))
    without = {method for node in nodes if isinstance(node, ast.ClassDef) and is_protocol(node) for method in node.body}
    return [node.name for node in nodes if not isinstance(node, ast.ClassDef) and node not in without]


def is_protocol(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).startswith("Protocol") for base in node.bases)


def mirrored_test(source: str) -> Path:
    """Return the path of a module's test file: ``x/y.py`` is tested by ``x/test_y.py`` in the folder of tests."""
    folder = next(folder for folder in TEST_FOLDERS if source.startswith(f"{folder}/"))
    mirrored = PROJECT_ROOT / TEST_FOLDERS[folder] / Path(source).relative_to(folder)
    return mirrored.with_name(f"test_{mirrored.stem.strip('_')}.py")


def lines(source: str) -> int:
    return len((PROJECT_ROOT / source).read_text(encoding="utf-8").splitlines())


def test_the_lists_of_files_are_not_empty() -> None:
    """Guard this file: an empty list would pass every other test."""
    assert "include/distill/inference/output_parsing.py" in sources("include")
    assert "plugins/bedrock_distill/operators/train.py" in sources("plugins")
    assert imported("plugins/bedrock_distill/hooks/aws.py") >= {"airflow", "bedrock_distill", "threading"}


class TestArrow:
    """import-linter checks the layers (``pyproject.toml``). It cannot see a DAG file imported by its bare name."""

    @pytest.mark.parametrize("source", sources("plugins"))
    def test_plugins_import_no_dag_file(self, source: str) -> None:
        assert not imported(source) & DAGS


class TestNames:
    def test_no_module_collects_unrelated_helpers(self) -> None:
        stems = {Path(source).stem.strip("_") for source in sources("dags", "plugins", "include", "tests")}
        assert not stems & {"utils", "util", "helpers", "helper", "common", "misc"}

    def test_nothing_at_the_top_of_plugins_or_dags_hides_the_standard_library(self) -> None:
        """Both folders are on ``sys.path``."""
        stems = {path.stem for folder in ("plugins", "dags") for path in (PROJECT_ROOT / folder).iterdir()}
        assert not stems & set(sys.stdlib_module_names)


class TestTestFiles:
    @pytest.mark.parametrize("source", [source for source in sources(*TEST_FOLDERS) if functions(source)])
    def test_every_module_with_behavior_has_a_test_file_of_its_name(self, source: str) -> None:
        test_file = mirrored_test(source)
        assert test_file.is_file(), f"{source} has no {test_file.relative_to(PROJECT_ROOT)}"
        assert any(name.startswith("test_") for name in functions(str(test_file))), f"{test_file} tests nothing"

    def test_the_test_of_a_command_is_in_test_main(self) -> None:
        assert mirrored_test("tools/chaos/__main__.py") == PROJECT_ROOT / "tests/tools/chaos/test_main.py"


class TestSizes:
    @pytest.mark.parametrize("source", sources("dags", "plugins", "include", "tools"))
    def test_no_function_or_file_is_too_long(self, source: str) -> None:
        assert lines(source) <= 400
        assert [d.name for d in definitions(source) if too_long(d)] == []

    @pytest.mark.parametrize("source", sources("tests"))
    def test_no_test_file_is_too_long(self, source: str) -> None:
        assert lines(source) <= 500


def too_long(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    if isinstance(node, ast.ClassDef):
        return False
    return (node.end_lineno or node.lineno) - node.lineno + 1 > 50


@pytest.mark.parametrize("source", sources("include/distill", "plugins"))
def test_public_functions_and_classes_have_docstrings(source: str) -> None:
    undocumented = [node.name for node in public(tree(source).body) if not ast.get_docstring(node)]
    assert undocumented == []


def public(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield the public functions and classes, and the public methods of these classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if "overload" in [ast.unparse(decorator) for decorator in node.decorator_list]:
                continue  # a signature only; the function itself is documented
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)
