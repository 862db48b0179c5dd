"""The arrow ``dags -> plugins -> include`` and the sizes of the house, read from the source."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.distill.core.paths import PROJECT_ROOT

BOTO = {"boto3", "botocore"}
# The folder of a module's tests, by the folder of the module.
TEST_FOLDERS = {
    "include/distill": "tests/distill",
    "plugins/bedrock_distill": "tests/plugins",
    "tools": "tests/tools",
    "container": "tests/container",
}
# Folders in which every module with behaviour has tests of its own.
TESTED = (
    "container",
    "include/distill/batch",
    "include/distill/cleanup",
    "include/distill/config",
    "include/distill/core",
    "include/distill/cost",
    "include/distill/curation",
    "include/distill/evaluation",
    "include/distill/inference",
    "include/distill/labeling",
    "include/distill/report",
    "include/distill/stats",
    "include/distill/synthesis",
    "include/distill/text",
    "include/distill/training",
    "plugins/bedrock_distill",
    "tools/aws_simulator/account",
    "tools/aws_simulator/jobs",
    "tools/aws_simulator/models",
    "tools/aws_simulator/resources",
    "tools/aws_simulator/runtime",
    "tools/aws_simulator/s3",
    "tools/aws_simulator/server",
    "tools/benchmarks",
    "tools/compose",
    "tools/curation_report",
    "tools/local_airflow",
)
MAY_USE_BOTO = ("plugins/bedrock_distill/hooks/", "tools/aws_simulator/", "tools/local_airflow/")
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
    """Return the names of a file's functions and methods."""
    return [node.name for node in definitions(source) if not isinstance(node, ast.ClassDef)]


def mirrored_test(source: str) -> Path:
    """Return where the tests of a module belong: ``x/y.py`` is tested by ``x/test_y.py`` in the folder of tests."""
    folder = next(folder for folder in TEST_FOLDERS if source.startswith(f"{folder}/"))
    mirrored = PROJECT_ROOT / TEST_FOLDERS[folder] / Path(source).relative_to(folder)
    return mirrored.with_name(f"test_{mirrored.stem.strip('_')}.py")


def lines(source: str) -> int:
    return len((PROJECT_ROOT / source).read_text(encoding="utf-8").splitlines())


def test_there_is_something_to_look_at() -> None:
    """A guard for this file: an empty listing would pass every other test."""
    assert "include/distill/inference/output_parsing.py" in sources("include")
    assert "plugins/bedrock_distill/operators/train.py" in sources("plugins")
    assert imported("plugins/bedrock_distill/hooks/aws.py") >= {"airflow", "bedrock_distill", "threading"}


class TestArrow:
    @pytest.mark.parametrize("source", sources("include"))
    def test_include_is_plain_python(self, source: str) -> None:
        assert not imported(source) & {"airflow", "bedrock_distill", "plugins", *DAGS}

    @pytest.mark.parametrize("source", sources("plugins"))
    def test_plugins_know_no_dag(self, source: str) -> None:
        assert not imported(source) & DAGS

    @pytest.mark.parametrize("source", sources("include/distill", "plugins"))
    def test_the_pipeline_does_not_know_the_simulator(self, source: str) -> None:
        text = (PROJECT_ROOT / source).read_text(encoding="utf-8")
        assert "tools.aws_simulator" not in text
        assert "tools.local_airflow" not in text

    @pytest.mark.parametrize(
        "source", [s for s in sources("dags", "plugins", "include") if not s.startswith(MAY_USE_BOTO)]
    )
    def test_only_hooks_touch_boto(self, source: str) -> None:
        assert not imported(source) & BOTO


class TestNames:
    def test_no_module_is_a_drawer_for_odds_and_ends(self) -> None:
        stems = {Path(source).stem.strip("_") for source in sources("dags", "plugins", "include", "tests")}
        assert not stems & {"utils", "util", "helpers", "helper", "common", "misc"}

    def test_nothing_at_the_top_of_plugins_or_dags_hides_the_standard_library(self) -> None:
        """Both folders stand on ``sys.path``."""
        stems = {path.stem for folder in ("plugins", "dags") for path in (PROJECT_ROOT / folder).iterdir()}
        assert not stems & set(sys.stdlib_module_names)


class TestTestFiles:
    @pytest.mark.parametrize("source", [source for source in sources(*TESTED) if functions(source)])
    def test_every_module_with_behaviour_has_a_mirrored_test_its_own_name(self, source: str) -> None:
        test_file = mirrored_test(source)
        assert test_file.is_file(), f"{source} has no {test_file.relative_to(PROJECT_ROOT)}"
        assert any(name.startswith("test_") for name in functions(str(test_file))), f"{test_file} tests nothing"

    def test_the_file_of_a_command_is_called_like_its_module(self) -> None:
        assert mirrored_test("tools/chaos/__main__.py") == PROJECT_ROOT / "tests/tools/chaos/test_main.py"


class TestSizes:
    @pytest.mark.parametrize("source", sources("dags", "plugins", "include"))
    def test_a_function_fits_on_a_screen_and_a_file_in_a_head(self, source: str) -> None:
        assert lines(source) <= 400
        assert [d.name for d in definitions(source) if too_long(d)] == []

    @pytest.mark.parametrize("source", sources("tests"))
    def test_a_test_file_is_about_one_thing(self, source: str) -> None:
        assert lines(source) <= 500


def too_long(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    if isinstance(node, ast.ClassDef):
        return False
    return (node.end_lineno or node.lineno) - node.lineno + 1 > 50


@pytest.mark.parametrize("source", sources("include/distill", "plugins"))
def test_what_others_call_says_what_it_does(source: str) -> None:
    undocumented = [node.name for node in public(tree(source).body) if not ast.get_docstring(node)]
    assert undocumented == []


def public(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield what others may call: public functions and classes, and the public methods of those classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if "overload" in [ast.unparse(decorator) for decorator in node.decorator_list]:
                continue  # a signature only; the function itself is documented
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)
