from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.operators.collect_scores import BedrockCollectScoresOperator
from include.distill.core.errors import ContractError, NotFoundError
from include.distill.core.storage import read_jsonl
from include.distill.managed_evaluation.records import ScoreRecord
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI
from tests.plugins.operators.conftest import ROWS

METRICS = ["Builtin.Correctness", "Builtin.Completeness", "Builtin.Helpfulness"]


@pytest.fixture
def collect(equip: Any, submit_evaluation: Any, evaluations: FakeEvaluationJobs, context: Any) -> Any:
    """Return a function that submits a job, ends it and collects its scores."""

    def run(status: str = "Completed", **changes: Any) -> Any:
        submitted = submit_evaluation()
        evaluations.end(submitted["job_arn"], status)
        names = ("job_name", "job_arn", "arm", "evaluator", "output_uri")
        result = {**{name: submitted[name] for name in names}, "status": status}
        task = BedrockCollectScoresOperator(
            task_id="evaluate.tuned_by_nova-pro.collect",
            run_uri=RUN_URI,
            submitted={**submitted, **changes},
            result=result,
        )
        return equip(task).execute(context)

    return run


def test_every_answer_has_a_score_for_each_metric(collect: Any, store: MemoryStore) -> None:
    manifest = collect()
    assert {name: manifest[name] for name in ("arm", "evaluator", "scores_uri", "questions", "missing")} == {
        "arm": "tuned",
        "evaluator": "nova-pro",
        "scores_uri": FOLDER.evaluation_scores("tuned", "nova-pro"),
        "questions": len(ROWS),
        "missing": 0,
    }
    scores = read_jsonl(store, manifest["scores_uri"], ScoreRecord)
    assert [(one["metric"], one["row_id"]) for one in scores] == [
        (metric, row["row_id"]) for metric in METRICS for row in ROWS
    ]
    assert {one["score"] for one in scores} == {0.75}


def test_the_run_that_bought_the_job_is_billed_even_if_a_retry_only_found_it(collect: Any) -> None:
    assert collect(bought=False)["bought"] is True


def test_a_job_of_an_earlier_run_is_not_billed_again(
    collect: Any, submit_evaluation: Any, bedrock: FakeBedrock
) -> None:
    bedrock.tags_of[submit_evaluation()["job_arn"]]["run-key"] = "another-run"
    assert collect()["bought"] is False


@pytest.mark.parametrize("bought", [True, False])
def test_the_submission_knows_who_bought_a_deleted_job(
    collect: Any, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch, bought: bool
) -> None:
    def gone(arn: str) -> dict[str, str]:
        raise NotFoundError(arn)

    monkeypatch.setattr(bedrock, "tags", gone)
    assert collect(bought=bought)["bought"] is bought


def test_the_tokens_of_the_submission_are_passed_on_for_the_bill(collect: Any) -> None:
    manifest = collect()
    assert manifest["output_tokens"] == 250 * len(METRICS) * len(ROWS)
    assert manifest["input_tokens"] > 700 * len(METRICS) * len(ROWS)


def test_a_job_without_results_is_an_error(collect: Any) -> None:
    with pytest.raises(ContractError, match="no file of results"):
        collect("Stopped")
