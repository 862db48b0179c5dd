"""Make the same calls with the amazon provider's operator, one mapped task per document, as it documents."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from airflow.providers.amazon.aws.operators.bedrock import BedrockInvokeModelOperator
from airflow.sdk import DAG, task

from include.distill.config.catalog import load_catalog
from tools.benchmarks.fixtures import bench_use_case, texts


def document(number: int) -> str:
    """Return a document for a prompt, so that it is not part of the DAG."""
    return texts(number)["document"]


def prompt(number: int) -> dict[str, object]:
    """Return the body of a call, with a template for the document."""
    text = f"Write three questions and answers about this.\n{{{{ document({number}) }}}}"
    return {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}],
    }


with DAG(
    dag_id="bench_provider",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"owner": "bench", "region_name": "us-east-1"},
    user_defined_macros={"document": document},
):

    @task
    def before() -> None:
        """Do nothing. The end of this task is the beginning of the measured step."""

    before() >> BedrockInvokeModelOperator.partial(
        task_id="synthesize", model_id=load_catalog().model(bench_use_case().teacher).inference_id
    ).expand(input_data=[prompt(number) for number in range(int(os.environ["BENCH_DOCUMENTS"]))])
