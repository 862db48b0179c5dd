"""The pipeline reads the output that evaluation jobs of the AWS simulator write to S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from include.distill.managed_evaluation.records import EvaluationQuestion, EvaluationResultManifest
from include.distill.managed_evaluation.results import find_results, prompt_hash, read_scores
from include.distill.managed_evaluation.scales import Scale
from tests.fakes.aws_simulator import RunningSimulator, connected_simulator
from tests.tools.aws_simulator import builders

ANSWERS = ["A bucket can have up to 1,000 lifecycle rules.", "I do not know.", ""]
SCALES = {"Builtin.Correctness": Scale(0, 1), "Builtin.Refusal": Scale(0, 1), "grounded": Scale(1, 5)}
GROUNDED = {
    "name": "grounded",
    "instructions": "Is it grounded? {{prompt}} {{prediction}}",
    "ratingScale": [{"definition": str(value), "value": {"floatValue": value}} for value in (1.0, 3.0, 5.0)],
}


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    with connected_simulator(tmp_path / "state", monkeypatch) as simulator:
        yield simulator


def evaluated(simulator: RunningSimulator, prompts: list[str]) -> EvaluationResultManifest:
    """Run an evaluation job on one answer to each prompt, and return the result of its task ``wait``."""
    lines = [builders.evaluation_line(answer, prompt=prompt) for prompt, answer in zip(prompts, ANSWERS, strict=True)]
    config = {
        "datasetMetricConfigs": [builders.dataset(simulator, lines, list(SCALES))],
        "evaluatorModelConfig": builders.evaluator(),
        "customMetricConfig": {
            "customMetrics": [{"customMetricDefinition": GROUNDED}],
            "evaluatorModelConfig": builders.evaluator(),
        },
    }
    arn = builders.create_evaluation(simulator, evaluationConfig={"automated": config})
    job = builders.finished_evaluation(simulator, arn)
    return {
        "job_name": job["jobName"],
        "job_arn": arn,
        "arm": builders.SOURCE,
        "evaluator": "nova-pro",
        "status": job["status"],
        "output_uri": job["outputDataConfig"]["s3Uri"],
    }


def test_each_answer_has_the_score_that_the_evaluator_gave_it(simulator: RunningSimulator) -> None:
    prompts = [builders.prompt(f"How many rules can bucket {number} have?") for number in range(3)]
    result = evaluated(simulator, prompts)
    questions: list[EvaluationQuestion] = [
        {"row_id": f"row{number}", "prompt_sha256": prompt_hash(prompt)} for number, prompt in enumerate(prompts)
    ]
    notes: list[str] = []
    store = S3ObjectStore(BedrockDistillHook())
    records = read_scores(store, result=result, questions=questions, scales=SCALES, note=notes.append)
    assert notes == []
    found = {(record["metric"], record["row_id"]): record["score"] for record in records}
    assert len(found) == len(records) == 9
    assert [found["grounded", row] for row in ("row0", "row2")] == [5, 1]
    assert (found["Builtin.Correctness", "row0"] or 0) > (found["Builtin.Correctness", "row2"] or 0) == 0
    assert all(record["explanation"].startswith("Simulated evaluator") for record in records)
    (uri,) = find_results(store, result)[1]
    assert store.read(uri).count(b"automatedEvaluationResult") == 3
