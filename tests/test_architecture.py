"""Check names, sizes, docstrings and test files in the source. import-linter checks the layers."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from include.distill.core.paths import PROJECT_ROOT
from tests.fakes.each_case import each_case

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


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Facts:
    """What the tests need to know of a Python file."""

    lines: int
    relative_imports: list[int]
    imported: set[str]
    functions: list[str]
    too_long: list[str]
    undocumented: list[str]


@cache
def facts(source: str) -> Facts:
    """Parse a file once for all tests, because parsing the files takes most of the time."""
    text = (PROJECT_ROOT / source).read_text(encoding="utf-8")
    tree = ast.parse(text, filename=source)
    nodes = list(ast.walk(tree))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    definitions = [node for node in nodes if isinstance(node, Definition)]
    return Facts(
        lines=len(text.splitlines()),
        relative_imports=[node.lineno for node in imports if node.level != 0],
        imported=imported(nodes),
        functions=functions(definitions),
        too_long=[node.name for node in definitions if too_long(node)],
        undocumented=[node.name for node in public(tree.body) if not ast.get_docstring(node)],
    )


def imported(nodes: list[ast.AST]) -> set[str]:
    """Return the top-level names of everything that a file imports, at its top or inside a function."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def functions(nodes: list[Definition]) -> list[str]:
    """Return the names of the functions and methods of a file. Those of a protocol do nothing and do not count."""
    without = {method for node in nodes if isinstance(node, ast.ClassDef) and is_protocol(node) for method in node.body}
    return [node.name for node in nodes if not isinstance(node, ast.ClassDef) and node not in without]


def is_protocol(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).startswith("Protocol") for base in node.bases)


def too_long(node: Definition) -> bool:
    if isinstance(node, ast.ClassDef):
        return False
    return (node.end_lineno or node.lineno) - node.lineno + 1 > 50


def public(body: list[ast.stmt]) -> Iterator[Definition]:
    """Yield the public functions and classes, and the public methods of these classes."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            if "overload" in [ast.unparse(decorator) for decorator in node.decorator_list]:
                continue  # a signature only; the function itself is documented
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def mirrored_test(source: str) -> Path:
    """Return the path of a module's test file: ``x/y.py`` is tested by ``x/test_y.py`` in the folder of tests."""
    folder = next(folder for folder in TEST_FOLDERS if source.startswith(f"{folder}/"))
    mirrored = PROJECT_ROOT / TEST_FOLDERS[folder] / Path(source).relative_to(folder)
    return mirrored.with_name(f"test_{mirrored.stem.strip('_')}.py")


def test_the_lists_of_files_are_not_empty() -> None:
    """Guard this file: an empty list would pass every other test."""
    assert "include/distill/inference/output_parsing.py" in sources("include")
    assert "plugins/bedrock_distill/operators/train.py" in sources("plugins")
    assert facts("plugins/bedrock_distill/hooks/aws.py").imported >= {"airflow", "bedrock_distill", "threading"}


class TestArrow:
    """import-linter checks the layers (``pyproject.toml``). It cannot see a DAG file imported by its bare name."""

    def test_plugins_import_no_dag_file(self) -> None:
        with each_case() as case:
            for source in sources("plugins"):
                with case(source):
                    assert facts(source).relative_imports == []
                    assert not facts(source).imported & DAGS


class TestNames:
    def test_no_module_collects_unrelated_helpers(self) -> None:
        stems = {Path(source).stem.strip("_") for source in sources("dags", "plugins", "include", "tests")}
        assert not stems & {"utils", "util", "helpers", "helper", "common", "misc"}

    def test_nothing_at_the_top_of_plugins_or_dags_hides_the_standard_library(self) -> None:
        """Both folders are on ``sys.path``."""
        stems = {path.stem for folder in ("plugins", "dags") for path in (PROJECT_ROOT / folder).iterdir()}
        assert not stems & set(sys.stdlib_module_names)


class TestTestFiles:
    def test_every_module_with_behavior_has_a_test_file_of_its_name(self) -> None:
        with each_case() as case:
            for source in sources(*TEST_FOLDERS):
                if facts(source).functions:
                    with case(source):
                        test_file = mirrored_test(source).relative_to(PROJECT_ROOT).as_posix()
                        assert (PROJECT_ROOT / test_file).is_file(), f"{test_file} does not exist"
                        tests = [name for name in facts(test_file).functions if name.startswith("test_")]
                        assert tests, f"{test_file} tests nothing"

    def test_the_test_of_a_command_is_in_test_main(self) -> None:
        assert mirrored_test("tools/chaos/__main__.py") == PROJECT_ROOT / "tests/tools/chaos/test_main.py"


class TestSizes:
    def test_no_function_or_file_is_too_long(self) -> None:
        with each_case() as case:
            for source in sources("dags", "plugins", "include", "tools"):
                with case(source):
                    assert facts(source).lines <= 400
                    assert facts(source).too_long == []

    def test_no_test_file_is_too_long(self) -> None:
        with each_case() as case:
            for source in sources("tests"):
                with case(source):
                    assert len((PROJECT_ROOT / source).read_text(encoding="utf-8").splitlines()) <= 500


def test_public_functions_and_classes_have_docstrings() -> None:
    with each_case() as case:
        for source in sources("include/distill", "plugins"):
            with case(source):
                assert facts(source).undocumented == []
