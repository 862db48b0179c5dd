from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.lifecycle.rollback_place import NO_CHANGE
from bedrock_distill.lineage.model_steps import (
    answer_lineage,
    prompt_lineage,
    serving_lineage,
    submit_lineage,
    switch_lineage,
    trained_lineage,
)
from include.distill.config.use_case import UseCase
from tests.fakes.fake_bedrock import OWN_JOB, FakeBedrock
from tests.plugins.conftest import FOLDER
from tests.plugins.lineage.test_data_steps import names
from tests.plugins.task_groups.conftest import sample

PLACE = "arn:aws:bedrock:us-east-1:123456789012"
MODEL_ARN, JOB_ARN = f"{PLACE}:custom-model/m", f"{PLACE}:model-customization-job/j"
THROUGHPUT_ARN, DEPLOYMENT_ARN = f"{PLACE}:provisioned-model/p", f"{PLACE}:custom-model-deployment/d"
STUDENT = "foundation-model/amazon.nova-micro-v1:0"
DATASET: Any = {"train_uri": FOLDER.dataset("5ha", "train.jsonl"), "validation_uri": None}
SUBMITTED: Any = {"job_arn": JOB_ARN}
TRAINED: Any = {"model_arn": MODEL_ARN}
NO_ENDPOINT: Any = {"model_arn": MODEL_ARN, "throughput_arn": None}


def serving(**changes: Any) -> Any:
    return {"model_arn": MODEL_ARN, "student": "nova-micro", "invoke_id": DEPLOYMENT_ARN, **changes}


def answered(use_case: UseCase, **changes: Any) -> list[str]:
    """Return the names of what ``answer`` reads."""
    arguments: dict[str, Any] = {"serving": None, "optimized": None, "result": None, **changes}
    return names(answer_lineage(use_case, FOLDER, "tuned", **arguments).inputs)


def test_a_training_job_reads_the_training_set_and_the_student(use_case: UseCase) -> None:
    lineage = submit_lineage(use_case, "tuned", DATASET, SUBMITTED)
    assert names(lineage.inputs) == ["distill/datasets/5ha/train.jsonl", STUDENT]
    assert names(lineage.outputs) == ["model-customization-job/j"]


def test_a_distillation_job_also_reads_its_teacher() -> None:
    arms = [{"name": "base", "kind": "base"}, {"name": "tuned", "kind": "distilled", "teacher": "nova-pro"}]
    lineage = submit_lineage(sample(arms=arms), "tuned", DATASET, None)
    assert "foundation-model/amazon.nova-pro-v1:0" in names(lineage.inputs)


def test_a_custom_model_is_connected_with_its_job_and_directly_with_its_training_file(
    use_case: UseCase, bedrock: FakeBedrock
) -> None:
    bedrock.put_job("j", "Completed")
    lineage = trained_lineage(use_case, JOB_ARN, bedrock.jobs["j"], TRAINED)
    file = OWN_JOB["training_uri"].removeprefix("s3://bedrock-distill-training/")
    assert names(lineage.inputs) == ["model-customization-job/j", STUDENT, file]
    assert names(lineage.outputs) == ["custom-model/m"]


@pytest.mark.parametrize("result", [None, {"model_arn": None}], ids=["failed", "without a model"])
def test_a_job_without_a_model_has_no_output(use_case: UseCase, result: Any) -> None:
    assert trained_lineage(use_case, JOB_ARN, None, result).outputs == ()


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ({"throughput_arn": THROUGHPUT_ARN}, ["provisioned-model/p"]),
        ({"throughput_arn": None, "deployment_arn": DEPLOYMENT_ARN}, ["custom-model-deployment/d"]),
        ({"throughput_arn": None}, []),
    ],
    ids=["throughput", "deployment", "no endpoint is needed"],
)
def test_an_endpoint_is_made_from_its_model(endpoint: Any, expected: list[str]) -> None:
    lineage = serving_lineage(TRAINED, {**NO_ENDPOINT, **endpoint})
    assert (names(lineage.inputs), names(lineage.outputs)) == (["custom-model/m"], expected)


def test_a_failed_purchase_reads_the_model_and_without_a_champion_there_is_nothing_to_read() -> None:
    assert names(serving_lineage(TRAINED, None).inputs) == ["custom-model/m"]
    assert serving_lineage(None, None) == ((), ())


class TestAnswers:
    def test_a_served_model_answers_through_its_endpoint(self, use_case: UseCase) -> None:
        expected = ["shards/evaluation", "custom-model/m", "custom-model-deployment/d"]
        assert answered(use_case, serving=serving()) == expected

    def test_stored_answers_need_no_endpoint(self, use_case: UseCase) -> None:
        assert answered(use_case, serving=serving(invoke_id=None)) == ["shards/evaluation", "custom-model/m"]

    @pytest.mark.parametrize("manifest", [None, serving(model_arn=None, invoke_id=None)], ids=["base", "no champion"])
    def test_the_student_without_training_answers_itself(self, use_case: UseCase, manifest: Any) -> None:
        assert answered(use_case, serving=manifest) == ["shards/evaluation", STUDENT]

    def test_all_shards_are_one_artifact_and_each_task_counts_its_own_rows(self, use_case: UseCase) -> None:
        result: Any = {"rows": 3}
        lineage = answer_lineage(use_case, FOLDER, "tuned", serving=None, optimized=None, result=result)
        assert names(lineage.outputs) == ["answers/tuned"]
        assert (lineage.outputs[0].rows, lineage.outputs[0].files) == (3, 1)


def test_an_optimized_prompt_is_followed_to_the_answers(use_case: UseCase) -> None:
    collected: Any = {"prompt_uri": FOLDER.optimized_prompt("base")}
    written = names(prompt_lineage(use_case, collected).outputs)
    assert written == ["optimized_prompts/base.json"]
    assert answered(use_case, optimized=collected)[-1:] == written


def test_the_standing_endpoint_is_made_from_the_winner() -> None:
    result: Any = {"model_arn": MODEL_ARN, "arn": DEPLOYMENT_ARN}
    lineage = switch_lineage(result)
    assert (names(lineage.inputs), names(lineage.outputs)) == (["custom-model/m"], ["custom-model-deployment/d"])
    for nothing in (None, NO_CHANGE):
        assert switch_lineage(nothing) == ((), ())
