from __future__ import annotations

import ast
from pathlib import Path

import pytest

from include.distill.config.use_case import UseCase
from include.distill.core.paths import PROJECT_ROOT
from tools.mwaa.contents import COMMANDS, dag_files, plugin_files


@pytest.fixture
def files(use_case: UseCase) -> dict[str, Path]:
    return plugin_files(PROJECT_ROOT, [use_case])


def modules(files: dict[str, Path]) -> dict[str, Path]:
    names = {path.removesuffix(".py").removesuffix("/__init__"): file for path, file in files.items() if ".py" in path}
    return {name.replace("/", "."): file for name, file in names.items()}


def imported(file: Path) -> set[str]:
    """Return the modules that a file imports anywhere, and the packages around them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 2)}


def reachable(known: dict[str, Path]) -> set[str]:
    """Return the modules that the DAGs and Airflow's plugin import, directly or through others."""
    waiting, found = [*dag_files(PROJECT_ROOT).values(), known["bedrock_distill_plugin"]], {"bedrock_distill_plugin"}
    while waiting:
        new = (imported(waiting.pop()) & known.keys()) - found
        found |= new
        waiting += [known[name] for name in new]
    return found


def test_every_module_in_the_archive_is_needed_and_no_needed_module_is_missing(files: dict[str, Path]) -> None:
    folders = {path: "" if path.startswith("include/") else "plugins" for path in COMMANDS}
    commands = {path: PROJECT_ROOT / folder / path for path, folder in folders.items()}
    assert reachable(modules(files | commands)) == modules(files).keys()


def test_the_archive_contains_no_tests_tools_caches_or_hidden_files(files: dict[str, Path]) -> None:
    top = {path.partition("/")[0] for path in files}
    assert top == {"include", "bedrock_distill", "bedrock_distill_plugin.py", ".airflowignore"}
    assert {Path(path).suffix for path in files} == {".py", ".yaml", ".json", ".j2", ".css", ".csv", ".md", ""}
    assert not [path for path in files if "__pycache__" in path or "test" in Path(path).name.split("_")]


def test_the_archive_has_the_rows_of_the_use_cases_with_their_licence_and_no_others(files: dict[str, Path]) -> None:
    folder = "include/data/aws_docs_qa"
    names = ("train.csv", "evaluation.csv", "LICENSE.md", "ATTRIBUTION.csv")
    assert {path for path in files if path.startswith("include/data/")} == {f"{folder}/{name}" for name in names}


def test_a_folder_of_rows_and_no_file_in_s3_is_taken(tmp_path: Path, use_case: UseCase) -> None:
    rows = tmp_path / "include" / "data" / "rows"
    rows.mkdir(parents=True)
    for name in ("a.csv", "b.csv", ".hidden"):
        (rows / name).write_text("x")
    (tmp_path / "plugins").mkdir()
    source = use_case.source.model_copy(
        update={"training_csv": "include/data/rows/", "evaluation_csv": "s3://a-bucket/b.csv"}
    )
    found = plugin_files(tmp_path, [use_case.model_copy(update={"source": source})])
    assert sorted(found) == ["include/data/rows/a.csv", "include/data/rows/b.csv"]


def test_the_folder_of_dags_contains_only_dag_files() -> None:
    assert {Path(path).suffix for path in dag_files(PROJECT_ROOT)} == {".py"}
    assert "distill.py" in dag_files(PROJECT_ROOT)


def test_airflow_executes_no_module_of_the_archive_except_the_plugin(files: dict[str, Path]) -> None:
    """Airflow imports every Python file in the plugins folder that ``.airflowignore`` does not name."""
    ignored = files[".airflowignore"].read_text().split()
    loaded = [path for path in files if path.endswith(".py") and not path.startswith(tuple(ignored))]
    assert loaded == ["bedrock_distill_plugin.py"]
