"""Run deferrable operators of Airflow's amazon provider. Their triggers wait with aiobotocore."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

os.environ.setdefault("AIRFLOW_CONN_AWS_DEFAULT", "aws://")

import boto3
from airflow.providers.amazon.aws.operators.bedrock import (
    BedrockBatchInferenceOperator,
    BedrockCustomizeModelOperator,
)
from airflow.sdk.exceptions import TaskDeferred

from tools.foreign_clients.scripts import questions as ask

BUCKET = "airflow-client"
ROLE = "arn:aws:iam::123456789012:role/airflow-client"
s3, iam = boto3.client("s3"), boto3.client("iam")

match sys.argv[1]:
    case "jobs":
        s3.create_bucket(Bucket=BUCKET)
        trust = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
        access = {"Effect": "Allow", "Action": ["s3:*", "bedrock:InvokeModel"], "Resource": "*"}
        trusted, policy = (json.dumps({"Version": "2012-10-17", "Statement": [one]}) for one in (trust, access))
        iam.create_role(RoleName="airflow-client", AssumeRolePolicyDocument=trusted)
        iam.put_role_policy(RoleName="airflow-client", PolicyName="files", PolicyDocument=policy)
        messages: list[dict[str, Any]] = [
            {"role": "user", "content": [{"text": ask.HELLO}]},
            {"role": "assistant", "content": [{"text": "Hello, amphibians!"}]},
        ]
        training = "\n".join([json.dumps({"messages": messages})] * 10)
        s3.put_object(Bucket=BUCKET, Key="train.jsonl", Body=training.encode())
        prompts = "\n".join([json.dumps({"modelInput": {"messages": messages[:1]}})] * 100)
        s3.put_object(Bucket=BUCKET, Key="prompts.jsonl", Body=prompts.encode())
        quick = {"role_arn": ROLE, "deferrable": True, "waiter_delay": 1, "waiter_max_attempts": 100}
        for task in (
            BedrockCustomizeModelOperator(
                task_id="customize",
                job_name="job",
                custom_model_name="model",
                base_model_id="amazon.nova-micro-v1:0:128k",
                training_data_uri=f"s3://{BUCKET}/train.jsonl",
                output_data_uri=f"s3://{BUCKET}/model",
                hyperparameters={"epochCount": "1"},
                **quick,
            ),
            BedrockBatchInferenceOperator(
                task_id="batch",
                job_name="batch",
                model_id="us.amazon.nova-micro-v1:0",
                input_uri=f"s3://{BUCKET}/prompts.jsonl",
                output_uri=f"s3://{BUCKET}/answers/",
                **quick,
            ),
        ):
            try:
                task.execute({})
            except TaskDeferred as deferral:
                event = asyncio.run(anext(deferral.trigger.run()))
                getattr(task, deferral.method_name)({}, event=event.payload)
            else:
                raise ValueError(f"{task.task_id} did not defer")
