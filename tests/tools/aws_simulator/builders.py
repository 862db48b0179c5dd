"""Build the requests and files that the AWS simulator's tests send. They are valid unless a test changes them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.aws_simulator import RunningSimulator
from tests.fakes.patience import wait_until
from tools.aws_simulator.jobs.batch_runner import UNFINISHED

DOCUMENT = (
    "Amazon S3 stores objects in buckets. A bucket can have up to 1,000 lifecycle rules. "
    "Versioning keeps every version of an object. Objects are private unless a policy says otherwise."
)
ROLE = "arn:aws:iam::123456789012:role/customization"
TEACHER = "us.anthropic.claude-sonnet-5-5"
COUNTING_MODEL = "anthropic.claude-haiku-4-5-20251001-v1:0"
STUDENT = "us.amazon.nova-micro-v1:0"
STUDENT_BASE = "amazon.nova-micro-v1:0:128k"
NOVA_PRO = "amazon.nova-pro-v1:0"
BUCKET = "training-bucket"
_numbers = itertools.count(1)


def fresh(prefix: str) -> str:
    """Return a name that no other test uses."""
    return f"{prefix}-{next(_numbers)}"


@contextmanager
def refused(code: str, text: str = "", *, status: int | None = None) -> Iterator[None]:
    """Expect that the block raises this error of the service."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    assert text in error["Message"]
    if status:
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def prompt(question: str = "How many lifecycle rules can a bucket have?", document: str = DOCUMENT) -> str:
    return f"<document>\n{document}\n</document>\n\n<question>\n{question}\n</question>\n"


def synthesis_prompt(document: str = DOCUMENT) -> str:
    return f"{prompt(document=document)}<answer>\nUp to 1,000.\n</answer>\n<number_of_pairs>2</number_of_pairs>\n"


def converse(simulator: RunningSimulator, model_id: str = STUDENT, text: str | None = None, **arguments: Any) -> Any:
    request = {"messages": [{"role": "user", "content": [{"text": prompt() if text is None else text}]}], **arguments}
    request.setdefault("inferenceConfig", {"maxTokens": 200})
    return simulator.boto("bedrock-runtime").converse(modelId=model_id, **request)


def text_of(response: Any) -> str:
    return response["output"]["message"]["content"][0]["text"]


def anthropic_body(**changes: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": [{"type": "text", "text": prompt()}]}]
    return {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 200, "messages": messages, **changes}


def invoke(simulator: RunningSimulator, model_id: str, body: Any) -> tuple[Any, Any]:
    """Return the answer's body and the whole response."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = simulator.boto("bedrock-runtime").invoke_model(modelId=model_id, body=content)
    return json.loads(response["body"].read()), response


def png(width: int = 30, height: int = 50) -> bytes:
    """Return the beginning of a PNG image, which states its size."""
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + size + b"\x08\x02\x00\x00\x00"


def conversation(question: str = "How many rules?", answer: str = "Up to 1,000.", **changes: Any) -> dict[str, Any]:
    return {
        "schemaVersion": "bedrock-conversation-2024",
        "messages": [
            {"role": "user", "content": [{"text": prompt(question)}]},
            {"role": "assistant", "content": [{"text": answer}]},
        ],
        **changes,
    }


def jsonl(records: list[Any]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def put(simulator: RunningSimulator, key: str, body: bytes, *, bucket: str = BUCKET, region: str = "us-east-1") -> str:
    """Put an object and return its URI. Create the bucket if it does not exist."""
    client = simulator.boto("s3", region=region)
    if bucket not in [known["Name"] for known in client.list_buckets()["Buckets"]]:
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        client.create_bucket(Bucket=bucket, **place)
    client.put_object(Bucket=bucket, Key=key, Body=body)
    return f"s3://{bucket}/{key}"


GATES = [(f"Which gate for flight LH{n}?", f"Gate {n} is open.") for n in range(20)]


def free_training_data(simulator: RunningSimulator, pairs: list[tuple[str, str]] = GATES) -> dict[str, str]:
    """Put a training file without the pipeline's delimiters, and return ``trainingDataConfig``."""
    records = [
        {
            "messages": [
                {"role": role, "content": [{"text": text}]}
                for role, text in zip(("user", "assistant"), pair, strict=True)
            ]
        }
        for pair in pairs
    ]
    return {"s3Uri": put(simulator, f"{fresh('free')}.jsonl", jsonl(records))}


def job_request(simulator: RunningSimulator, **changes: Any) -> dict[str, Any]:
    """Return a request for a job that will complete; its training file is in S3."""
    name = fresh("job")
    request = {
        "jobName": name,
        "customModelName": f"{name}-model",
        "roleArn": ROLE,
        "baseModelIdentifier": STUDENT_BASE,
        "outputDataConfig": {"s3Uri": f"s3://{BUCKET}/output"},
        "hyperParameters": {"epochCount": "2"},
        **changes,
    }
    if "trainingDataConfig" not in changes:
        records = [conversation(f"How many rules are there, number {index}?") for index in range(10)]
        request["trainingDataConfig"] = {"s3Uri": put(simulator, f"{name}/train.jsonl", jsonl(records))}
    return request


def asked(question: str, answer: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return a prompt of a distillation job, with its answer if there is one."""
    messages = [{"role": "user", "content": [{"text": question}]}]
    if answer is not None:
        messages.append({"role": "assistant", "content": [{"text": answer}]})
    return {"schemaVersion": "bedrock-conversation-2024", "messages": messages, **changes}


def questions(count: int = 100) -> list[dict[str, Any]]:
    return [asked(f"Is gate {number} open? The gate {number} opens at noon.") for number in range(count)]


def teacher(identifier: str = NOVA_PRO, **changes: Any) -> dict[str, Any]:
    """Return ``customizationConfig`` with a teacher."""
    return {"distillationConfig": {"teacherModelConfig": {"teacherModelIdentifier": identifier, **changes}}}


def distillation_request(
    simulator: RunningSimulator, prompts: list[Any] | None = None, *, region: str = "us-east-1", **changes: Any
) -> dict[str, Any]:
    """Return a request for a distillation job that will complete; its prompts are in S3."""
    bucket = BUCKET if region == "us-east-1" else f"distillation-{region}"
    body = jsonl(questions() if prompts is None else prompts)
    uri = put(simulator, f"{fresh('prompts')}/prompts.jsonl", body, bucket=bucket, region=region)
    given = {
        "customizationType": "DISTILLATION",
        "customizationConfig": teacher(),
        "trainingDataConfig": {"s3Uri": uri},
        "outputDataConfig": {"s3Uri": f"s3://{bucket}/output"},
        **changes,
    }
    return job_request(simulator, **given)


def create_distillation(simulator: RunningSimulator, prompts: list[Any] | None = None, **changes: Any) -> str:
    """Create a distillation job in us-east-1, and return its ARN."""
    request = distillation_request(simulator, prompts, **changes)
    return str(simulator.boto("bedrock").create_model_customization_job(**request)["jobArn"])


def create_job(simulator: RunningSimulator, **changes: Any) -> str:
    """Create a job and return its ARN."""
    return simulator.boto("bedrock").create_model_customization_job(**job_request(simulator, **changes))["jobArn"]


def job_state(simulator: RunningSimulator, arn: str) -> Any:
    return simulator.boto("bedrock").get_model_customization_job(jobIdentifier=arn)


def finished_job(simulator: RunningSimulator, arn: str) -> Any:
    """Wait for the end of a job and return the response of the Get operation."""
    client = simulator.boto("bedrock")

    def ended() -> Any:
        job = client.get_model_customization_job(jobIdentifier=arn)
        return job if job["status"] in ("Completed", "Failed", "Stopped") else None

    return wait_until(ended)


def custom_model(simulator: RunningSimulator, **changes: Any) -> str:
    """Train a custom model and return its ARN."""
    return finished_job(simulator, create_job(simulator, **changes))["outputModelArn"]


def llama_model(simulator: RunningSimulator, base: str) -> str:
    """Train a custom model of Llama 3.1 or 3.3 in us-west-2, and return its ARN."""
    if "llama3-1" in base:
        records = [{"prompt": prompt(f"How many rules, {n}?"), "completion": "Up to 1,000."} for n in range(100)]
    else:
        records = [conversation(f"How many rules, {n}?") for n in range(100)]
    west = {"bucket": "llama-models", "region": "us-west-2"}
    request = job_request(
        simulator,
        baseModelIdentifier=base,
        trainingDataConfig={"s3Uri": put(simulator, f"{fresh('llama')}.jsonl", jsonl(records), **west)},
        outputDataConfig={"s3Uri": "s3://llama-models/out"},
    )
    client = simulator.boto("bedrock", region="us-west-2")
    arn = client.create_model_customization_job(**request)["jobArn"]
    job = wait_until(
        lambda: (job := client.get_model_customization_job(jobIdentifier=arn))["status"] != "InProgress" and job
    )
    return str(job["outputModelArn"])


def provision(simulator: RunningSimulator, model: str, *, wait: bool = True, **changes: Any) -> str:
    """Buy a throughput and return its ARN. Wait until the throughput is in service unless ``wait`` is False."""
    client = simulator.boto("bedrock")
    request = {"provisionedModelName": fresh("pt"), "modelUnits": 1, "modelId": model, **changes}
    arn = client.create_provisioned_model_throughput(**request)["provisionedModelArn"]
    if wait:
        wait_until(lambda: throughput_status(simulator, arn) == "InService")
    return arn


def throughput_status(simulator: RunningSimulator, arn: str) -> str:
    return simulator.boto("bedrock").get_provisioned_model_throughput(provisionedModelId=arn)["status"]


def deploy(simulator: RunningSimulator, model: str, *, wait: bool = True, **changes: Any) -> str:
    """Deploy a custom model and return the deployment's ARN. Wait until it is active unless ``wait`` is False."""
    request = {"modelDeploymentName": fresh("deployment"), "modelArn": model, **changes}
    arn = str(simulator.boto("bedrock").create_custom_model_deployment(**request)["customModelDeploymentArn"])
    if wait:
        wait_until(lambda: deployment_state(simulator, arn)["status"] == "Active")
    return arn


def deployment_state(simulator: RunningSimulator, identifier: str) -> Any:
    return simulator.boto("bedrock").get_custom_model_deployment(customModelDeploymentIdentifier=identifier)


def converse_input(**changes: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": [{"text": prompt()}]}]
    return {"messages": messages, "inferenceConfig": {"maxTokens": 50}, **changes}


def batch_records(count: int = 100, **changes: Any) -> list[dict[str, Any]]:
    return [{"recordId": f"r{number}", "modelInput": converse_input(), **changes} for number in range(count)]


def batch_request(
    simulator: RunningSimulator, given: list[Any] | bytes | None = None, **changes: Any
) -> dict[str, Any]:
    body = given if isinstance(given, bytes) else jsonl(batch_records() if given is None else given)
    uri = put(simulator, f"{fresh('batches')}/input.jsonl", body)
    return {
        "jobName": fresh("batch"),
        "roleArn": ROLE,
        "modelId": STUDENT,
        "modelInvocationType": "Converse",
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": uri}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/output/"}},
        **changes,
    }


def create_batch(simulator: RunningSimulator, given: list[Any] | bytes | None = None, **changes: Any) -> str:
    """Create a batch job and return its ARN."""
    request = batch_request(simulator, given, **changes)
    return str(simulator.boto("bedrock").create_model_invocation_job(**request)["jobArn"])


def batch_state(simulator: RunningSimulator, arn: str) -> Any:
    return simulator.boto("bedrock").get_model_invocation_job(jobIdentifier=arn)


def finished_batch(simulator: RunningSimulator, arn: str) -> Any:
    """Wait for the end of a batch job and return the response of the Get operation."""
    return wait_until(lambda: (job := batch_state(simulator, arn))["status"] not in UNFINISHED and job)


EVALUATOR = "us.amazon.nova-pro-v1:0"
SOURCE = "arm-a"
FLOW = "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/reviewers"
REFERENCE = "A bucket can have up to 1,000 lifecycle rules."


def evaluation_line(response: str = REFERENCE, *sources: str, **changes: Any) -> dict[str, Any]:
    """Return a line of a dataset with a response of each source."""
    responses = [{"response": response, "modelIdentifier": source} for source in sources or (SOURCE,)]
    return {"prompt": prompt(), "referenceResponse": REFERENCE, "modelResponses": responses, **changes}


def dataset(simulator: RunningSimulator, lines: list[Any] | bytes, metrics: list[str], **changes: Any) -> Any:
    """Put a dataset and return its configuration in the request for an evaluation job."""
    uri = put(simulator, f"{fresh('datasets')}/lines.jsonl", lines if isinstance(lines, bytes) else jsonl(lines))
    location = {"name": "questions", "datasetLocation": {"s3Uri": uri}}
    return {"taskType": "General", "dataset": location, "metricNames": metrics, **changes}


def evaluator(model_id: str = EVALUATOR) -> dict[str, Any]:
    return {"bedrockEvaluatorModels": [{"modelIdentifier": model_id}]}


def source_model(name: str = SOURCE) -> dict[str, Any]:
    return {"precomputedInferenceSource": {"inferenceSourceIdentifier": name}}


def bedrock_model(model_id: str = STUDENT, **changes: Any) -> dict[str, Any]:
    return {"bedrockModel": {"modelIdentifier": model_id, **changes}}


def evaluation_request(
    simulator: RunningSimulator, lines: list[Any] | bytes | None = None, **changes: Any
) -> dict[str, Any]:
    """Return a request for a job in which a model rates the responses of the dataset."""
    request = {
        "jobName": fresh("evaluation"),
        "roleArn": ROLE,
        "inferenceConfig": {"models": [source_model()]},
        "outputDataConfig": {"s3Uri": f"s3://{BUCKET}/evaluations/"},
        **changes,
    }
    if "evaluationConfig" not in changes:
        configs = [dataset(simulator, [evaluation_line()] if lines is None else lines, ["Builtin.Correctness"])]
        request["evaluationConfig"] = {
            "automated": {"datasetMetricConfigs": configs, "evaluatorModelConfig": evaluator()}
        }
    return request


def human_request(
    simulator: RunningSimulator,
    lines: list[Any] | None = None,
    methods: tuple[str, ...] = ("ThumbsUpDown",),
    **changes: Any,
) -> dict[str, Any]:
    """Return a request for a job in which people rate responses, with one metric for each rating method."""
    config = dataset(simulator, [evaluation_line()] if lines is None else lines, list(methods))
    human = {
        "humanWorkflowConfig": {"flowDefinitionArn": FLOW, "instructions": "Rate the responses."},
        "customMetrics": [{"name": method, "description": "a metric", "ratingMethod": method} for method in methods],
        "datasetMetricConfigs": [config],
    }
    allow_worker_portal(simulator)
    return evaluation_request(simulator, **{"evaluationConfig": {"human": human}, **changes})


def allow_worker_portal(simulator: RunningSimulator, bucket: str = BUCKET) -> None:
    rule = {
        "AllowedMethods": ["GET"],
        "AllowedOrigins": ["https://mturk-console-template-preview-hooks.s3.amazonaws.com"],
    }
    simulator.boto("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


def create_evaluation(simulator: RunningSimulator, lines: list[Any] | bytes | None = None, **changes: Any) -> str:
    """Create an automated evaluation job and return its ARN."""
    request = evaluation_request(simulator, lines, **changes)
    return str(simulator.boto("bedrock").create_evaluation_job(**request)["jobArn"])


def evaluation_state(simulator: RunningSimulator, arn: str) -> Any:
    return simulator.boto("bedrock").get_evaluation_job(jobIdentifier=arn)


def finished_evaluation(simulator: RunningSimulator, arn: str) -> Any:
    """Wait for the end of an evaluation job and return the response of the Get operation."""
    ended = ("Completed", "Failed", "Stopped")
    return wait_until(lambda: (job := evaluation_state(simulator, arn))["status"] in ended and job)


def open_tasks(simulator: RunningSimulator, arn: str) -> Any:
    """Wait until the workers of a human job have tasks, and return the tasks."""
    return wait_until(lambda: simulator.admin("GET", f"human_tasks?job={arn}"))


def evaluation_output(simulator: RunningSimulator, arn: str) -> dict[str, list[Any]]:
    """Return the lines of the output files of an evaluation job, by their keys below the folder of the job."""
    job, client = evaluation_state(simulator, arn), simulator.boto("s3")
    prefix = f"evaluations/{job['jobName']}/{arn.rpartition('/')[2]}/"
    found = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    bodies = {one["Key"]: client.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in found}
    return {key.removeprefix(prefix): [json.loads(line) for line in body.splitlines()] for key, body in bodies.items()}


OPTIMIZED = "us.amazon.nova-micro-v1:0"
TEMPLATE = "<document>\n{{document}}\n</document>\n\n<question>\n{{question}}\n</question>\n"


def optimization_sample(
    question: str = "How many lifecycle rules can a bucket have?", reference: str | None = REFERENCE
) -> dict[str, Any]:
    """Return a sample for :data:`TEMPLATE`."""
    expected = {} if reference is None else {"referenceResponse": reference}
    return {"inputVariables": [{"document": DOCUMENT}, {"question": question}], **expected}


def optimization_line(**changes: Any) -> dict[str, Any]:
    """Return a line of the input file of a prompt optimization job."""
    return {
        "version": "bedrock-2026-05-14",
        "templateId": "answering",
        "promptTemplate": TEMPLATE,
        "evaluationSamples": [optimization_sample()],
        **changes,
    }


def optimization_request(
    simulator: RunningSimulator, lines: list[Any] | bytes | None = None, **changes: Any
) -> dict[str, Any]:
    """Return a request for a prompt optimization job; its input file is in S3."""
    given = lines if isinstance(lines, bytes) else jsonl([optimization_line()] if lines is None else lines)
    return {
        "jobName": fresh("optimization"),
        "inputConfig": {"s3Uri": put(simulator, f"{fresh('templates')}/input.jsonl", given)},
        "outputConfig": {"s3Uri": f"s3://{BUCKET}/optimized/"},
        "modelConfigurations": [{"modelId": OPTIMIZED}],
        **changes,
    }


def create_optimization(simulator: RunningSimulator, lines: list[Any] | bytes | None = None, **changes: Any) -> str:
    """Create a prompt optimization job and return its ARN."""
    request = optimization_request(simulator, lines, **changes)
    return str(simulator.boto("bedrock").create_advanced_prompt_optimization_job(**request)["jobArn"])


def optimization_state(simulator: RunningSimulator, identifier: str) -> Any:
    return simulator.boto("bedrock").get_advanced_prompt_optimization_job(jobIdentifier=identifier)


def finished_optimization(simulator: RunningSimulator, arn: str) -> Any:
    """Wait for the end of a prompt optimization job and return the response of the Get operation."""
    running = ("InProgress", "Stopping")
    return wait_until(lambda: (job := optimization_state(simulator, arn))["jobStatus"] not in running and job)


def optimization_results(simulator: RunningSimulator, arn: str) -> list[Any]:
    """Return the lines of the results of a prompt optimization job."""
    key = f"optimized/{arn.rpartition('/')[2]}/advanced_prompt_optimization_results.jsonl"
    body = simulator.boto("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return [json.loads(line) for line in body.splitlines()]
