"""Ask human workers through an evaluation job of the AWS simulator."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from include.distill.core.errors import InputError, JobFailedError, RefusedError, SpendCapError
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, freeze
from tests.plugins.labeled_run import HOSTILE
from tests.plugins.operators.test_deploy_killed import Killed, MortalHook
from tests.plugins.workers_run import FLOW, WorkersRun, answer
from tests.tools.aws_simulator import builders


def test_the_job_shows_the_blinded_examples_to_the_workers_of_the_use_case(workers: WorkersRun) -> None:
    submitted = workers.submit()
    [task, *others] = builders.open_tasks(workers.simulator, submitted["job_arn"])
    assert len(others) == 2
    assert set(task["responses"].values()) == {f"{HOSTILE} base", f"{HOSTILE} tuned"}
    assert {"tuned", "base"}.isdisjoint(json.dumps({**task, "responses": "", "inputRecord": ""}).split('"'))
    assert [metric["ratingMethod"] for metric in task["metrics"]] == ["ComparisonChoice", "ComparisonLikertScale"]
    job = builders.evaluation_state(workers.simulator, submitted["job_arn"])
    assert job["evaluationConfig"]["human"]["humanWorkflowConfig"]["flowDefinitionArn"] == FLOW
    assert (submitted["bought"], submitted["at_most_usd"]) == (True, 1.26)  # 3 examples, 2 workers, $0.21


def test_the_tags_say_who_bought_the_job(workers: WorkersRun) -> None:
    tags = BedrockDistillHook().tags(workers.submit()["job_arn"])
    assert {key: tags[key] for key in ("environment", "use-case", "run-key", "dag-id")} == {
        "environment": "test",
        "use-case": "aws_docs_qa",
        "run-key": FOLDER.run_key,
        "dag-id": "d",
    }


def test_the_same_examples_buy_no_second_job(workers: WorkersRun) -> None:
    first, second = workers.submit(), workers.submit()
    assert (first["job_arn"], second["bought"]) == (second["job_arn"], False)
    workers.change(wait_days=2, workers=1)
    assert workers.submit()["job_arn"] == first["job_arn"]
    workers.change(instructions="Prefer the shorter response.")
    assert workers.submit()["job_arn"] != first["job_arn"]
    assert len(workers.jobs) == 2


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("method", ["list_evaluation_jobs", "get_bucket_cors", "create_evaluation_job", "put_object"])
def test_a_killed_task_leaves_nothing_that_a_retry_does_not_find(workers: WorkersRun, method: str, after: bool) -> None:
    sample = workers.draw()
    with pytest.raises(Killed):
        workers.submit(sample, MortalHook(method, after=after))
    manifest = workers.submit(sample)
    assert [job["jobArn"] for job in workers.jobs] == [manifest["job_arn"]]


def test_other_ways_to_label_skip_the_task(workers: WorkersRun) -> None:
    workers.context["params"] = {"how": "ask in Airflow"}
    with pytest.raises(AirflowSkipException):
        workers.submit()
    assert workers.jobs == []


def test_a_use_case_without_workers_is_refused_before_anything_is_written(workers: WorkersRun) -> None:
    sample = workers.draw()
    workers.change(flow_definition_arn="")
    for attempt in (workers.draw, lambda: workers.submit(sample)):
        with pytest.raises(InputError, match=r"names no workers: evaluations\.human\.flow_definition_arn is not set"):
            attempt()
    assert workers.jobs == []


def test_no_job_is_bought_if_the_workers_could_not_see_the_examples(workers: WorkersRun) -> None:
    workers.simulator.boto("s3").delete_bucket_cors(Bucket=workers.output_bucket)
    with pytest.raises(RefusedError, match="does not allow GET") as refused:
        workers.submit()
    assert workers.output_bucket in refused.value.happened
    assert workers.jobs == []


def test_a_role_that_may_not_read_the_cors_configuration_may_buy(
    workers: WorkersRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(self: S3ObjectStore, bucket: str) -> set[str]:
        raise RefusedError("AccessDenied")

    monkeypatch.setattr(S3ObjectStore, "cors_methods", refuse)
    assert workers.submit()["bought"]
    assert "The CORS configuration of bedrock-distill-output cannot be checked: AccessDenied" in capsys.readouterr().out


def test_a_job_above_the_cap_is_not_bought(workers: WorkersRun, use_case: Any) -> None:
    frozen = MemoryStore()
    freeze(frozen, use_case, max_spend_usd=1.25)
    workers.store.write(FOLDER.use_case, frozen.read(FOLDER.use_case))
    with pytest.raises(SpendCapError, match=r"\$1\.26 \(3 examples, 2 workers"):
        workers.submit()
    assert workers.jobs == []


def test_after_a_stopped_job_the_next_attempt_is_bought_until_none_is_left(workers: WorkersRun) -> None:
    names = []
    for _ in range(3):
        manifest = workers.submit()
        names.append(manifest["job_name"])
        builders.open_tasks(workers.simulator, manifest["job_arn"])
        workers.simulator.boto("bedrock").stop_evaluation_job(jobIdentifier=manifest["job_arn"])
        builders.finished_evaluation(workers.simulator, manifest["job_arn"])
    assert names[1:] == [f"{names[0]}-a2", f"{names[0]}-a3"]
    with pytest.raises(JobFailedError, match="All 3 evaluation jobs") as failed:
        workers.submit()
    assert "preflight" not in str(failed.value)
    assert failed.value.then_clear == "workers.submit with downstream"


def test_the_labels_of_two_workers_are_in_the_report_with_their_agreement(workers: WorkersRun) -> None:
    sample = workers.draw()
    submitted = workers.submit(sample)
    tasks = builders.open_tasks(workers.simulator, submitted["job_arn"])
    answers = [
        *(answer(task, "0f3a", "0") for task in tasks),
        answer(tasks[0], "9b1c", "0"),
        answer(tasks[1], "9b1c", "1", difference=3),
    ]
    workers.simulator.admin("POST", "human_answers", {"job": submitted["job_arn"], "answers": answers})
    manifest = workers.collect(sample, workers.wait(sample, submitted))
    assert (manifest["labels"], manifest["no_answer"], manifest["labellers"]) == (5, 0, ["worker-0f3a", "worker-9b1c"])
    assert (manifest["invalid"], manifest["missing"]) == (0, 1)
    report = json.loads(workers.store.read(FOLDER.report("json")))
    agreement = {(line["first"], line["second"]): line for line in report["agreement"]}
    both = agreement["worker-0f3a (person)", "worker-9b1c (person)"]
    assert (both["n"], both["observed"]) == (2, 0.5)
    assert agreement["claude-haiku-4-5", "worker-0f3a (person)"]["n"] == 3
    assert report["labels"] == {"counted": 5, "changed": 0, "unmarked": 0}
    assert b"worker-9b1c" in workers.store.read(FOLDER.report("html"))
