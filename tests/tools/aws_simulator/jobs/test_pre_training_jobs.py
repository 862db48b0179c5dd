"""Jobs of continued pre-training on a day on which Titan Text was available: files, bills, models and refusals."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tests.tools.aws_simulator.models.sample_rows import sample_rows
from tools.aws_simulator.models.text import count_tokens

EXPRESS, LITE = "amazon.titan-text-express-v1", "amazon.titan-text-lite-v1"
BASES = {EXPRESS: f"{EXPRESS}:0:8k", LITE: f"{LITE}:0:4k"}
DOCUMENTS = list(dict.fromkeys(row["doc"][:8000] for row in sample_rows("train.csv", 40)))


@pytest.fixture
def then(simulator: RunningSimulator) -> RunningSimulator:
    """The simulator on a day before Titan Text became legacy."""
    simulator.admin("PUT", "settings", {"as_of": "2025-02-12"})
    return simulator


def documents(simulator: RunningSimulator, texts: list[str] = DOCUMENTS) -> dict[str, str]:
    return records(simulator, [{"input": text} for text in texts])


def records(simulator: RunningSimulator, lines: list[Any]) -> dict[str, str]:
    return {"s3Uri": builders.put(simulator, f"{builders.fresh('documents')}.jsonl", builders.jsonl(lines))}


def request(simulator: RunningSimulator, data: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    given = {
        "baseModelIdentifier": BASES[EXPRESS],
        "customizationType": "CONTINUED_PRE_TRAINING",
        "trainingDataConfig": data or documents(simulator),
        **changes,
    }
    return builders.job_request(simulator, **given)


def create(simulator: RunningSimulator, data: dict[str, str] | None = None, **changes: Any) -> str:
    return str(
        simulator.boto("bedrock").create_model_customization_job(**request(simulator, data, **changes))["jobArn"]
    )


def finished(simulator: RunningSimulator, data: dict[str, str] | None = None, **changes: Any) -> Any:
    return builders.finished_job(simulator, create(simulator, data, **changes))


@pytest.mark.parametrize("base", BASES.values())
def test_a_job_trains_on_documents_writes_metrics_and_is_billed_by_the_token(then: RunningSimulator, base: str) -> None:
    validation = {"validators": [documents(then, DOCUMENTS[:3])]}
    job = finished(then, documents(then, DOCUMENTS[3:]), baseModelIdentifier=base, validationDataConfig=validation)
    assert job["status"] == "Completed", job.get("failureMessage")
    assert job["customizationType"] == "CONTINUED_PRE_TRAINING"
    client, folder = then.boto("s3"), f"output/model-customization-job-{job['jobArn'].rpartition('/')[2]}/"
    body = client.get_object(Bucket=builders.BUCKET, Key=f"{folder}training_artifacts/step_wise_training_metrics.csv")
    rows = list(csv.DictReader(io.StringIO(body["Body"].read().decode())))
    assert float(rows[-1]["training_loss"]) == job["trainingMetrics"]["trainingLoss"] > 0
    assert {row["epoch_number"] for row in rows} == {"0", "1"}
    assert job["validationMetrics"][0]["validationLoss"] > 0
    (entry,) = [one for one in then.ledger["jobs"] if one["arn"] == job["jobArn"]]
    assert entry["type"] == "CONTINUED_PRE_TRAINING"
    assert entry["billed_tokens"] == 2 * sum(map(count_tokens, DOCUMENTS[3:]))


def test_the_model_is_served_by_throughput_only_and_answers_from_what_it_has_read(then: RunningSimulator) -> None:
    begins = (
        "The night watch at pier nine begins with a walk along the whole quay, and every lamp is checked by hand. " * 2
    )
    goes_on = "Afterwards the keeper writes the tide into the blue ledger."
    model = finished(then, documents(then, [*DOCUMENTS, begins + goes_on]))["outputModelArn"]
    served = builders.provision(then, model)
    assert builders.text_of(builders.converse(then, served, begins)) == goes_on
    assert builders.text_of(builders.converse(then, EXPRESS, begins)) != goes_on
    assert builders.text_of(builders.converse(then, served)) in builders.prompt()
    with refused("UnknownOperationException"):
        builders.deploy(then, model)
    then.admin("PUT", "settings", {"as_of": "2025-07-16"})  # the first day of deployments
    with refused("ValidationException"):
        builders.deploy(then, model)


def test_a_pre_trained_model_can_be_fine_tuned_and_keeps_what_it_knows(then: RunningSimulator) -> None:
    model = finished(then)["outputModelArn"]
    pairs = [{"prompt": question, "completion": answer} for question, answer in builders.GATES]
    job = finished(then, records(then, pairs), baseModelIdentifier=model, customizationType="FINE_TUNING")
    assert job["status"] == "Completed", job.get("failureMessage")
    served = builders.provision(then, job["outputModelArn"])
    question, answer = builders.GATES[4]
    assert builders.text_of(builders.converse(then, served, question)) == answer


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        pytest.param({"prompt": "x", "completion": "y"}, "Data files must conform to JSONL format", id="pair"),
        pytest.param({"input": "x", "output": "y"}, "the record has the keys ['output']", id="other key"),
        pytest.param({"input": " "}, "input is blank", id="blank"),
        pytest.param({"input": 5}, "input is empty or not a string", id="number"),
        pytest.param({"input": "x" * 8193}, "Maximum input token count 4097 exceeds limit of 4096", id="too long"),
    ],
)
def test_an_invalid_record_fails_the_job_with_bedrocks_message(
    then: RunningSimulator, line: Any, complaint: str
) -> None:
    job = finished(then, records(then, [{"input": "A valid document."}, line]))
    assert job["status"] == "Failed"
    assert complaint in job["failureMessage"]
    assert "ine 2" in job["failureMessage"]


@pytest.mark.parametrize(
    ("model", "batch", "largest"), [(EXPRESS, 1, 4096), (EXPRESS, 2, 2048), (LITE, 2, 4096), (LITE, 3, 2048)]
)
def test_the_token_limit_depends_on_the_batch_size(
    then: RunningSimulator, model: str, batch: int, largest: int
) -> None:
    def status(tokens: int) -> str:
        data = records(then, [{"input": "ab" * tokens}])
        settings = {"epochCount": "1", "batchSize": str(batch)}
        return str(finished(then, data, baseModelIdentifier=BASES[model], hyperParameters=settings)["status"])

    assert [status(largest), status(largest + 1)] == ["Completed", "Failed"]


def test_fine_tuning_of_titan_reads_prompts_and_completions(then: RunningSimulator) -> None:
    pairs = [{"prompt": question, "completion": answer} for question, answer in builders.GATES]
    assert finished(then, records(then, pairs), customizationType="FINE_TUNING")["status"] == "Completed"
    assert finished(then, documents(then), customizationType="FINE_TUNING")["status"] == "Failed"


@pytest.mark.parametrize("day", ["2025-06-18", "2025-12-18", "2026-11-27"])
def test_no_job_is_accepted_once_titan_is_legacy_or_retired(simulator: RunningSimulator, day: str) -> None:
    simulator.admin("PUT", "settings", {"as_of": day})
    with refused("ValidationException", "The provided model identifier is invalid."):
        create(simulator)


@pytest.mark.parametrize(("day", "found"), [("2025-02-12", set(BASES.values())), ("2025-06-18", set())])
def test_the_list_of_models_shows_which_can_be_pre_trained(
    simulator: RunningSimulator, day: str, found: set[str]
) -> None:
    simulator.admin("PUT", "settings", {"as_of": day})
    listed = simulator.boto("bedrock").list_foundation_models(byCustomizationType="CONTINUED_PRE_TRAINING")
    assert {model["modelId"] for model in listed["modelSummaries"]} == found


class TestTheBaseModel:
    def test_answers_through_converse_and_its_own_body(self, then: RunningSimulator) -> None:
        conversed = builders.text_of(builders.converse(then, LITE))
        body = json.dumps({"inputText": builders.prompt()}).encode()
        answer = json.loads(then.boto("bedrock-runtime").invoke_model(modelId=LITE, body=body)["body"].read())
        assert answer["results"][0]["outputText"] == conversed
        assert answer["results"][0]["completionReason"] == "FINISH"

    def test_streams_its_answer(self, then: RunningSimulator) -> None:
        body = json.dumps({"inputText": builders.prompt()}).encode()
        stream = then.boto("bedrock-runtime").invoke_model_with_response_stream(modelId=LITE, body=body)["body"]
        chunks = [json.loads(event["chunk"]["bytes"]) for event in stream]
        assert "".join(chunk["outputText"] for chunk in chunks) == builders.text_of(builders.converse(then, LITE))
        assert chunks[0]["inputTextTokenCount"] == chunks[-1]["amazon-bedrock-invocationMetrics"]["inputTokenCount"]
        assert [chunk["completionReason"] for chunk in chunks[-2:]] == [None, "FINISH"]

    def test_takes_no_system_prompt_no_tools_and_few_stop_sequences(self, then: RunningSimulator) -> None:
        with refused("ValidationException", "This model doesn't support system messages."):
            builders.converse(then, EXPRESS, system=[{"text": "Be brief."}])
        tool = {"toolSpec": {"name": "find", "inputSchema": {"json": {"type": "object"}}}}
        with refused("ValidationException", "doesn't support tool use"):
            builders.converse(then, EXPRESS, toolConfig={"tools": [tool]})
        with refused("ValidationException", r"string [END] does not match pattern ^(\|+|User:)$"):
            builders.converse(then, EXPRESS, inferenceConfig={"stopSequences": ["END"]})
        assert builders.converse(then, EXPRESS, inferenceConfig={"stopSequences": ["User:"]})
