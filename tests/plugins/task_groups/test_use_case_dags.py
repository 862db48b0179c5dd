from __future__ import annotations

import pytest
from airflow.sdk import DAG

from bedrock_distill.task_groups.use_case_dags import use_case_dags
from include.distill.config.use_case import UseCase
from tests.plugins.task_groups.conftest import sample

GOOD, BAD, OTHER = (sample(name=name) for name in ("good", "bad", "other"))


def build(use_case: UseCase) -> DAG:
    if use_case is BAD:
        raise OverflowError("date value out of range")
    return DAG(dag_id=use_case.dag_id, schedule=None)


def dags_of(*use_cases: UseCase) -> tuple[dict[str, DAG], list[str]]:
    return use_case_dags(use_cases, build, dag_id=lambda use_case: use_case.dag_id, kind="nightly DAG")


def test_every_use_case_has_a_dag_under_its_id() -> None:
    dags, problems = dags_of(GOOD, OTHER)
    assert {dag_id: dag.dag_id for dag_id, dag in dags.items()} == {name: name for name in (GOOD.dag_id, OTHER.dag_id)}
    assert problems == []


def test_a_dag_that_cannot_be_created_is_a_problem_and_the_other_dags_are_created() -> None:
    dags, problems = dags_of(BAD, GOOD)
    assert list(dags) == [GOOD.dag_id]
    assert problems == ["bad.yaml: the nightly DAG cannot be created: OverflowError: date value out of range"]


class TestWorker:
    @pytest.fixture(autouse=True)
    def wanted(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", request.param.dag_id)

    @pytest.mark.parametrize("wanted", [OTHER], indirect=True, ids=["other"])
    def test_a_worker_creates_only_the_dag_of_its_task(self) -> None:
        dags, problems = dags_of(GOOD, BAD, OTHER)
        assert (list(dags), problems) == ([OTHER.dag_id], [])

    @pytest.mark.parametrize("wanted", [BAD], indirect=True, ids=["bad"])
    def test_a_worker_fails_if_the_dag_of_its_task_cannot_be_created(self) -> None:
        with pytest.raises(OverflowError, match="out of range"):
            dags_of(GOOD, BAD)
