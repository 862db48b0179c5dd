"""
Run call sequences like those of AWS's notebooks against the AWS simulator.

- Fine-tuning: customization/bedrock-finetuning/text-to-sql in https://github.com/aws-samples/amazon-nova-samples
- Llama and throughput: custom-models/bedrock-fine-tuning/meta-llama in
  https://github.com/aws-samples/amazon-bedrock-samples
- Batch: introduction-to-bedrock/batch_api, and streaming: introduction-to-bedrock/bedrock_apis and converse_api, in the
  same repository

Deployments of custom models are not simulated yet, so the fine-tuned model is served by a throughput.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tests.fakes.patience import wait_until

NOVA = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0:128k"
LLAMA = "meta.llama3-1-8b-instruct-v1:0:128k"
SYSTEM = "You are a powerful text-to-SQL model. You must output the SQL query that answers the question."
CLAUDE = "us.anthropic.claude-sonnet-4-6"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with start_simulator(tmp_path_factory.mktemp("aws_simulator")) as running:
        yield running


def create_role(simulator: RunningSimulator, name: str, bucket: str) -> str:
    """Create the role of a notebook, after a look whether it exists."""
    iam = simulator.boto("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=name)
    trust = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
    actions = ["s3:GetObject", "s3:PutObject", "s3:ListBucket"]
    resources = [f"arn:aws:s3:::{bucket}/*", f"arn:aws:s3:::{bucket}"]
    access = {"Effect": "Allow", "Action": actions, "Resource": resources}
    # A batch job that names an inference profile needs this too:
    # https://docs.aws.amazon.com/bedrock/latest/userguide/batch-iam-sr.html
    invoke = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}
    trusted, policy = (json.dumps({"Version": "2012-10-17", "Statement": s}) for s in ([trust], [access, invoke]))
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted, Description="for fine-tuning")["Role"]
    iam.put_role_policy(RoleName=name, PolicyName=f"{name}-files", PolicyDocument=policy)
    return str(role["Arn"])


def upload(simulator: RunningSimulator, bucket: str, key: str, records: list[Any], region: str = "us-east-1") -> str:
    s3 = simulator.boto("s3", region=region)
    if bucket not in [found["Name"] for found in s3.list_buckets()["Buckets"]]:
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **place)
    s3.put_object(Bucket=bucket, Key=key, Body="".join(json.dumps(record) + "\n" for record in records).encode())
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
    return f"s3://{bucket}/{key}"


def sql_record(number: int) -> dict[str, Any]:
    question = f"### Input:\nHow many heads are older than {number}?### Context:\nCREATE TABLE head (age INTEGER)\n\n"
    answer = f"SELECT COUNT(*) FROM head WHERE age > {number}"  # noqa: S608 - a record, not a query
    messages = [{"role": "user", "content": [{"text": f"{question}### Response:\n"}]}]
    messages += [{"role": "assistant", "content": [{"text": answer}]}]
    return {"system": [{"text": SYSTEM}], "messages": messages}


def finished(client: Any, arn: str) -> Any:
    def ended() -> Any:
        job = client.get_model_customization_job(jobIdentifier=arn)
        return job if job["status"] in ("Completed", "Failed", "Stopped") else None

    job = wait_until(ended)
    assert job["status"] == "Completed", job.get("failureMessage")
    return job


def serve(client: Any, model: str, name: str) -> str:
    arn = client.create_provisioned_model_throughput(modelUnits=1, provisionedModelName=name, modelId=model)
    arn = arn["provisionedModelArn"]
    wait_until(lambda: client.get_provisioned_model_throughput(provisionedModelId=arn)["status"] == "InService")
    return str(arn)


def test_a_nova_model_learns_sql(simulator: RunningSimulator) -> None:
    bedrock, runtime, bucket = simulator.boto("bedrock"), simulator.boto("bedrock-runtime"), "nova-sql"
    assert simulator.boto("sts").get_caller_identity()["Account"] == "123456789012"
    training = upload(simulator, bucket, "sql/train/train_dataset.jsonl", [sql_record(n) for n in range(20, 56)])
    held_out = upload(simulator, bucket, "sql/validation/test_dataset.jsonl", [sql_record(n) for n in range(56, 60)])
    job = bedrock.create_model_customization_job(
        jobName="nova-micro-sql",
        customModelName="nova-micro-sql-custom",
        roleArn=create_role(simulator, "BedrockNovaCustomModelRole", bucket),
        baseModelIdentifier=NOVA,
        trainingDataConfig={"s3Uri": training},
        validationDataConfig={"validators": [{"s3Uri": held_out}]},
        outputDataConfig={"s3Uri": f"s3://{bucket}/sql/output/"},
        hyperParameters={"epochCount": "1", "batchSize": "1", "learningRate": "0.00001"},
        customizationType="FINE_TUNING",
    )
    ended = finished(bedrock, job["jobArn"])
    assert [model["modelArn"] for model in bedrock.list_custom_models()["modelSummaries"]] == [ended["outputModelArn"]]
    keys = [found["Key"] for found in simulator.boto("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert [key for key in keys if key.endswith("/step_wise_training_metrics.csv")]
    metrics = "/post_fine_tuning_validation/validation/validation_metrics.csv"
    assert [key for key in keys if key.endswith(metrics)]
    model = bedrock.get_custom_model(modelIdentifier=ended["outputModelArn"])
    assert model["trainingMetrics"]["trainingLoss"] > 0
    endpoint = serve(bedrock, ended["outputModelArn"], "nova-sql-serving")
    known = sql_record(30)
    request = {"system": known["system"], "messages": known["messages"][:1]}
    answer = runtime.converse(modelId=endpoint, inferenceConfig={"maxTokens": 512, "temperature": 0.0}, **request)
    assert "SELECT COUNT(*) FROM head WHERE age > 30" in answer["output"]["message"]["content"][0]["text"]
    bedrock.delete_provisioned_model_throughput(provisionedModelId=endpoint)
    bedrock.delete_custom_model(modelIdentifier="nova-micro-sql-custom")


def test_a_llama_model_is_served_and_deleted(simulator: RunningSimulator) -> None:
    region, bucket = "us-west-2", "llama-news"
    bedrock, runtime = simulator.boto("bedrock", region=region), simulator.boto("bedrock-runtime", region=region)
    prompts = [f"Summarize the news article provided below. The town hall number {n} has opened." for n in range(100)]
    records = [{"prompt": text, "completion": f"Hall {n} is open."} for n, text in enumerate(prompts)]
    training = upload(simulator, bucket, "train.jsonl", records, region)
    job = bedrock.create_model_customization_job(
        customizationType="FINE_TUNING",
        jobName="llama-job",
        customModelName="llama-news-model",
        roleArn=create_role(simulator, "LlamaRole", bucket),
        baseModelIdentifier=LLAMA,
        hyperParameters={"epochCount": "2", "batchSize": "1", "learningRate": "0.00005"},
        trainingDataConfig={"s3Uri": training},
        outputDataConfig={"s3Uri": f"s3://{bucket}/outputs/output-llama"},
    )
    ended = finished(bedrock, job["jobArn"])
    endpoint = serve(bedrock, ended["outputModelArn"], "llama-serving")
    body = json.dumps({"prompt": prompts[7], "temperature": 0.5, "top_p": 0.9, "max_gen_len": 512})
    response = runtime.invoke_model(
        body=body, modelId=endpoint, accept="application/json", contentType="application/json"
    )
    assert "Hall 7 is open." in json.loads(response["body"].read())["generation"]
    with pytest.raises(ClientError, match="ConflictException"):
        bedrock.delete_custom_model(modelIdentifier="llama-news-model")
    bedrock.delete_provisioned_model_throughput(provisionedModelId=endpoint)
    bedrock.delete_custom_model(modelIdentifier="llama-news-model")


def test_batch_jobs_are_launched_listed_and_compared(simulator: RunningSimulator) -> None:
    bedrock, bucket = simulator.boto("bedrock"), "batch-comparison"
    request = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 256}
    records = [
        {
            "recordId": f"{number:011}",
            "modelInput": {**request, "messages": [{"role": "user", "content": f"Tag article {number} of Houston."}]},
        }
        for number in range(100)
    ]
    uri = upload(simulator, bucket, "input/articles.jsonl", records)
    role = create_role(simulator, "BatchRole", bucket)
    arns = {}
    for model in (CLAUDE, "us.anthropic.claude-haiku-4-5-20251001-v1:0"):
        created = bedrock.create_model_invocation_job(
            roleArn=role,
            modelId=model,
            jobName=f"compare-{len(arns)}",
            inputDataConfig={"s3InputDataConfig": {"s3Uri": uri, "s3InputFormat": "JSONL"}},
            outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{bucket}/output/"}},
            timeoutDurationInHours=24,
        )
        arns[model] = created["jobArn"]
    for arn in arns.values():
        job = wait_until(
            lambda arn=arn: (j := bedrock.get_model_invocation_job(jobIdentifier=arn)).get("endTime") and j
        )
        assert job["status"] == "Completed", job.get("message")
    listed = bedrock.list_model_invocation_jobs(
        maxResults=10, statusEquals="Completed", nameContains="compare-", sortBy="CreationTime", sortOrder="Descending"
    )
    assert {job["jobArn"] for job in listed["invocationJobSummaries"]} == set(arns.values())
    s3 = simulator.boto("s3")
    for arn in arns.values():
        folder = f"output/{arn.rpartition('/')[2]}"
        lines = s3.get_object(Bucket=bucket, Key=f"{folder}/articles.jsonl.out")["Body"].read().splitlines()
        answers = {(record := json.loads(line))["recordId"]: record["modelOutput"] for line in lines}
        assert set(answers) == {record["recordId"] for record in records}
        assert "article 42" in answers[f"{42:011}"]["content"][0]["text"]
        manifest = json.loads(s3.get_object(Bucket=bucket, Key=f"{folder}/manifest.json.out")["Body"].read())
        assert (manifest["totalRecordCount"], manifest["errorRecordCount"]) == (100, 0)


def test_answers_are_streamed(simulator: RunningSimulator) -> None:
    runtime = simulator.boto("bedrock-runtime")
    prompt = "Write one sentence about the Command prompt of Bob."
    messages = [{"role": "user", "content": [{"text": prompt}]}]
    response = runtime.converse_stream(
        modelId=CLAUDE,
        messages=messages,
        system=[{"text": "You are helpful."}],
        inferenceConfig={"maxTokens": 300, "temperature": 0.3},
    )
    events = list(response["stream"])
    text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    assert "Bob" in text
    assert [next(iter(event)) for event in (events[0], *events[-2:])] == ["messageStart", "messageStop", "metadata"]
    assert events[-1]["metadata"]["usage"]["outputTokens"] > 0

    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 300, "messages": messages}
    body["messages"] = [{"role": "user", "content": [{"type": "text", "text": prompt}]}]
    streamed = runtime.invoke_model_with_response_stream(modelId=CLAUDE, body=json.dumps(body))["body"]
    chunks = [json.loads(event["chunk"]["bytes"]) for event in streamed]
    pieces = [chunk["delta"]["text"] for chunk in chunks if chunk["type"] == "content_block_delta"]
    assert "Bob" in "".join(pieces)
    assert "amazon-bedrock-invocationMetrics" in chunks[-1]
