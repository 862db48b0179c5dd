from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.operators.dataset import UploadDatasetOperator
from bedrock_distill.operators.promote import PromoteChampionOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.run.task_results import read_mapped_results, read_result
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from bedrock_distill.sensors.provisioned_throughput import BedrockProvisionedThroughputSensor
from include.distill.core.errors import ContractError, EarlierVersionError
from include.distill.core.version import VERSION
from include.distill.training.records import DatasetManifest
from tests.plugins.conftest import RUN_URI


class LazyResults:
    """The results of mapped tasks, as Airflow passes them. Reading a single item sends a request."""

    def __init__(self, *items: Any) -> None:
        self.items = items
        self.requests = 0

    def __getitem__(self, key: Any) -> Any:
        self.requests += 1
        return self.items[key]

    def __len__(self) -> int:
        self.requests += 1
        return len(self.items)


def read(results: Any) -> list[dict[str, Any]]:
    return read_mapped_results(results, dict, task="judge", reader="report")


def test_results_of_mapped_tasks_are_fetched_in_one_request() -> None:
    results = LazyResults({"calls": 1}, {"calls": 2}, {"calls": 3})
    assert read(results) == [{"calls": 1}, {"calls": 2}, {"calls": 3}]
    assert results.requests == 1


def test_a_task_that_is_mapped_over_nothing_has_no_results() -> None:
    assert read(LazyResults()) == []


def test_a_count_that_earlier_versions_did_not_have_is_zero() -> None:
    (result,) = read([{"calls": 3}])
    assert [result[name] for name in ("batch_calls", "batch_input_tokens", "batch_output_tokens")] == [0, 0, 0]
    assert result == {"calls": 3}


@pytest.mark.parametrize(
    ("task", "cost"),
    [
        ("ingest", "It costs nothing. The tasks after it reuse"),
        ("curate", "Clear curate with downstream. It costs nothing."),
        ("synthesize", "pays only for requests that this version words differently"),
        ("tuned.answer", "reuses the stored answers"),
        ("judge", "reuses the stored answers"),
        ("tuned.submit", "buys a job only if the training data or the settings have changed"),
        ("tuned.provision", "billed by the hour"),
        ("a_task_of_my_own", "It costs nothing."),
    ],
)
def test_a_missing_key_names_the_task_to_clear_what_that_costs_and_the_version(task: str, cost: str) -> None:
    result = read_result({"a": 1}, dict, task=task, reader="report")
    with pytest.raises(EarlierVersionError) as error:
        result["failed"]
    text = str(error.value)
    for part in (f"The result of the task {task} has no 'failed', which report needs", f"version {VERSION}", cost):
        assert part in text
    assert f"Clear {task} with downstream" in text
    assert isinstance(error.value, ContractError)  # Airflow does not retry it


@pytest.mark.parametrize("missing", [None, {}, "text", 3])
def test_a_missing_result_names_the_task_that_should_have_written_it(missing: Any) -> None:
    with pytest.raises(EarlierVersionError, match=r"The result of the task tuned\.upload is missing"):
        read_result(missing, DatasetManifest, task="tuned.upload", reader="tuned.submit")["sha256"]


WAIT = {"poll_interval_seconds": 1, "timeout_seconds": 1}
CASES = {
    "upload": (UploadDatasetOperator, {"arm": "tuned"}, "merged", "tuned.merge"),
    "submit": (BedrockSubmitCustomizationJobOperator, {"arm": "tuned"}, "dataset", "tuned.upload"),
    "trained": (BedrockCustomizationJobSensor, WAIT, "submitted", "tuned.submit"),
    "provision": (BedrockProvisionThroughputOperator, {"arm": "tuned"}, "trained", "tuned.trained"),
    "in_service": (BedrockProvisionedThroughputSensor, WAIT, "provisioned", "tuned.provision"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("result", [{"a_key_of_an_earlier_version": 1}, {"key": {}}])
def test_every_task_of_an_arm_names_the_task_before_it_and_buys_nothing(
    equip: Any, context: Any, bedrock: Any, name: str, result: Any
) -> None:
    operator, arguments, field, task = CASES[name]
    step = equip(operator(task_id=f"tuned.{name}", run_uri=RUN_URI, **{field: result}, **arguments))
    with pytest.raises(EarlierVersionError, match=rf"(?s)The result of the task {task} has no .*Clear {task}"):
        step.execute(context)
    assert bedrock.bought == []


def test_a_task_outside_of_the_arms_names_the_task_report(equip: Any, context: Any) -> None:
    step = equip(PromoteChampionOperator(task_id="promote", run_uri=RUN_URI, reported={}, trained={}, approval=None))
    with pytest.raises(EarlierVersionError, match="The result of the task report is missing"):
        step.execute(context)


def test_a_result_that_is_not_needed_may_be_none() -> None:
    step = BedrockProvisionThroughputOperator(task_id="champion.provision", run_uri=RUN_URI, arm="champion")
    assert step.trained is None


def test_a_reference_to_a_task_is_kept_until_airflow_renders_it() -> None:
    template = "{{ ti.xcom_pull('tuned.upload') }}"
    step = BedrockSubmitCustomizationJobOperator(task_id="s", run_uri=RUN_URI, arm="tuned", dataset=template)
    assert step.dataset == template
