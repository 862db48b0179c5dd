"""
Choose the files that MWAA gets: the DAGs, and the plugins with ``include/`` among them.

MWAA delivers only two folders, ``dags/`` and the content of ``plugins.zip``. Every component has the plugins folder on
``sys.path``, so ``include/`` can be imported from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from include.distill.config.use_case import UseCase

# Commands for people, which need a shell, by their path in the archive. No DAG and no page imports these modules; a
# test compares them with the imports.
COMMANDS = frozenset(
    {
        "bedrock_distill/check_account.py",
        "include/distill/config/check.py",
        "include/distill/cost/offer_file.py",
        "include/distill/cost/price_text.py",
        "include/distill/cost/refresh_prices.py",
        "include/distill/cost/usage_types.py",
        "include/distill/pools.py",
    }
)
_LICENCES = ("LICENSE.md", "ATTRIBUTION.csv")  # they belong to the rows and must go with them
_DATA = "include/data"
_IGNORE_FILE = ".airflowignore"


def dag_files(project: Path) -> dict[str, Path]:
    """Return the files of the folder ``dags/``, by their path in this folder."""
    return _files(project / "dags", project / "dags")


def plugin_files(project: Path, use_cases: Iterable[UseCase]) -> dict[str, Path]:
    """
    Return the files of ``plugins.zip``, by their path in it.

    :param use_cases: the use cases whose local CSV files MWAA needs.
    """
    code = {**_files(project / "plugins", project / "plugins"), **_files(project / "include", project)}
    needed = {path: file for path, file in code.items() if path not in COMMANDS and not path.startswith(f"{_DATA}/")}
    return {**needed, **_data_files(project, use_cases)}


def _data_files(project: Path, use_cases: Iterable[UseCase]) -> dict[str, Path]:
    """Return the local files that the use cases read, and the licences in their folders."""
    named = {project / uri for case in use_cases for uri in _local_inputs(case)}
    found: dict[str, Path] = {}
    for path in named:
        if path.is_relative_to(project / _DATA):
            files = _below(path) if path.is_dir() else (path, *(path.with_name(name) for name in _LICENCES))
            found.update({file.relative_to(project).as_posix(): file for file in files if file.is_file()})
    return found


def _local_inputs(case: UseCase) -> Iterator[str]:
    for uri in (case.source.training_csv, case.source.evaluation_csv):
        if uri is not None and not uri.startswith("s3://"):
            yield uri


def _files(folder: Path, root: Path) -> dict[str, Path]:
    return {path.relative_to(root).as_posix(): path for path in _below(folder)}


def _below(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, without caches and without hidden files other than Airflow's."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = [part for part in parts if part.startswith(".") and part != _IGNORE_FILE]
        if path.is_file() and not hidden and "__pycache__" not in parts and path.suffix != ".pyc":
            yield path
