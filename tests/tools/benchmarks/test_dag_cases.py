"""The import of each DAG file and the size of the largest XCom are measured."""

from __future__ import annotations

import pytest

from include.distill.core.paths import PROJECT_ROOT
from tools.benchmarks.bench import Bench
from tools.benchmarks.dag_cases import dag_imports, xcom


@pytest.mark.e2e
def test_the_largest_xcom_is_small(bench: Bench) -> None:
    (figure,) = xcom(bench)
    assert figure.ok
    assert figure.ours > 100


@pytest.mark.e2e
def test_the_import_of_every_dag_file_is_measured(bench: Bench) -> None:
    figures = dag_imports(bench)
    assert [figure.name for figure in figures] == [
        f"import of dags/{path.name}, warm" for path in sorted((PROJECT_ROOT / "dags").glob("*.py"))
    ]
    assert all(0 < figure.ours < 60 for figure in figures)
