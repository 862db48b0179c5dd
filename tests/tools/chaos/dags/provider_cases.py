"""Build DAGs of the amazon provider's Bedrock operators as the provider documents them, on the same AWS simulator."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.amazon.aws.operators.bedrock import (
    BedrockCreateProvisionedModelThroughputOperator,
    BedrockCustomizeModelOperator,
)
from airflow.providers.amazon.aws.sensors.bedrock import (
    BedrockCustomizeModelCompletedSensor,
    BedrockProvisionModelThroughputCompletedSensor,
)
from airflow.sdk import DAG, get_parsing_context, task

OWNER = "aws_owner"  # these operators belong to another team, which has the rights of the account's owner
DEFAULTS = {
    "owner": "chaos",
    "retries": 2,
    "retry_delay": timedelta(seconds=1),
    "region_name": "us-east-1",
    "aws_conn_id": OWNER,
}
CASES: list[dict[str, Any]] = json.loads(Path(os.environ["CHAOS_USE_CASES"], "provider.json").read_text())


def provider_dag(case: dict[str, Any]) -> DAG:
    """Return a DAG that customizes, waits, provisions, waits and deletes."""
    with DAG(
        dag_id=f"provider_{case['key']}",
        schedule=None,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        default_args=DEFAULTS,
    ) as dag:
        customize = BedrockCustomizeModelOperator(
            task_id="customize",
            job_name=case["job_name"],
            custom_model_name=case["model_name"],
            role_arn=case["role_arn"],
            base_model_id="amazon.nova-micro-v1:0:128k",
            training_data_uri=case["training_uri"],
            output_data_uri="s3://chaos-output/provider/",
            hyperparameters={"epochCount": "1"},
            wait_for_completion=False,
        )
        trained = BedrockCustomizeModelCompletedSensor(
            task_id="trained",
            job_name=case["job_name"],
            poke_interval=2,
            max_retries=case.get("max_retries", 60),
            timeout=case.get("timeout", 300),
            deferrable=case.get("deferrable", False),
        )
        provision = BedrockCreateProvisionedModelThroughputOperator(
            task_id="provision",
            model_units=1,
            provisioned_model_name=f"{case['key']}-served",
            model_id=case["model_name"],
            wait_for_completion=False,
        )
        in_service = BedrockProvisionModelThroughputCompletedSensor(
            task_id="in_service", model_id=f"{case['key']}-served", poke_interval=2, timeout=60
        )

        @task
        def delete(name: str) -> None:
            from airflow.providers.amazon.aws.hooks.bedrock import BedrockHook

            BedrockHook(aws_conn_id=OWNER).conn.delete_provisioned_model_throughput(provisionedModelId=name)

        customize >> trained >> provision >> in_service >> delete(f"{case['key']}-served")
    return dag


ONLY_DAG = get_parsing_context().dag_id
for provider_case in CASES:
    if ONLY_DAG in (None, f"provider_{provider_case['key']}"):
        globals()[f"provider_{provider_case['key']}"] = provider_dag(provider_case)
