from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest

from bedrock_distill.operators.ingest import IngestCsvOperator
from bedrock_distill.operators.report import RenderReportOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from bedrock_distill.ui import links
from tests.plugins.conftest import RUN_URI
from tests.plugins.operators.test_every_operator import CONCRETE

JOB_ARN = "arn:aws:bedrock:us-west-2:123456789012:model-customization-job/amazon.nova-micro-v1:0:128k/ab12"
MODEL_ARN = "arn:aws:bedrock:us-west-2:123456789012:custom-model/amazon.nova-micro-v1:0:128k/cd34"
THROUGHPUT_ARN = "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/ef56"
OPTIMIZATION_ARN = "arn:aws:bedrock:us-west-2:123456789012:advanced-prompt-optimization-job/abc123def456"
CONSOLE = "https://us-west-2.console.aws.amazon.com"
TI_KEY = SimpleNamespace(dag_id="distill_x", task_id="t", run_id="manual__2026-11-22T02:00:00+00:00", map_index=-1)


def clients_of(endpoint: str, partition: str = "aws") -> Any:
    """Return a fake of the part of ``AwsClients`` that links use, with the given endpoint."""
    meta = SimpleNamespace(endpoint_url=endpoint, region_name="us-west-2", partition=partition)
    return SimpleNamespace(client=lambda _: SimpleNamespace(meta=meta))


def page_of(resource: str, clients: Any) -> str:
    return links.console_url(resource, clients, dag_id="distill_x")


AWS = clients_of("https://bedrock.us-west-2.amazonaws.com")
SIMULATOR = clients_of("http://127.0.0.1:4000")


@pytest.fixture
def returned(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets the task's result in Airflow. Before the first call, the task has no result."""

    def put(manifest: Any) -> None:
        monkeypatch.setattr(links.XCom, "get_value", lambda *, key, ti_key: manifest if key == "return_value" else None)

    put(None)
    return put


def trained(**submitted: Any) -> Any:
    task = BedrockCustomizationJobSensor(
        task_id="trained", run_uri=RUN_URI, submitted=submitted, poll_interval_seconds=1, timeout_seconds=1
    )
    task.__dict__["hook"] = AWS
    return task


@pytest.mark.parametrize(
    ("resource", "page"),
    [
        pytest.param(JOB_ARN, f"/bedrock/home?region=us-west-2#/custom-models/item?arn={JOB_ARN}", id="job"),
        pytest.param(MODEL_ARN, f"/bedrock/home?region=us-west-2#/custom-models/item?arn={MODEL_ARN}", id="model"),
        pytest.param(
            THROUGHPUT_ARN,
            f"/bedrock/home?region=us-west-2#/provisioned-throughput/details?arn={THROUGHPUT_ARN}",
            id="throughput",
        ),
        pytest.param(
            OPTIMIZATION_ARN,
            f"/bedrock/home?region=us-west-2#/advanced-prompt-optimization?arn={OPTIMIZATION_ARN}",
            id="prompt optimization job",
        ),
        pytest.param("s3://b/a b/c.jsonl", "/s3/object/b?region=us-west-2&prefix=a%20b/c.jsonl", id="object"),
    ],
)
def test_a_resource_has_a_page_in_the_console_of_its_region(resource: str, page: str) -> None:
    assert page_of(resource, AWS) == CONSOLE + page


def test_other_partitions_have_other_consoles() -> None:
    china = clients_of("https://s3.cn-north-1.amazonaws.com.cn", partition="aws-cn")
    assert page_of("s3://b/k", china).startswith("https://us-west-2.console.amazonaws.cn/s3/")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
@pytest.mark.parametrize("resource", [JOB_ARN, MODEL_ARN, THROUGHPUT_ARN, "s3://b/a b/c&d=1#e+ü.jsonl"])
def test_a_link_on_a_simulator_contains_no_port_because_the_port_may_change(resource: str, host: str) -> None:
    first, second = (page_of(resource, clients_of(f"http://{host}:{port}")) for port in (36337, 8090))
    assert first == second
    path, _, query = first.partition("?")
    assert path == "/distill/resource/distill_x"
    assert parse_qs(query, strict_parsing=True) == {"name": [resource]}


def test_a_link_on_a_simulator_is_below_the_root_of_the_ui(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.org/airflow/")
    assert page_of("s3://b/k", SIMULATOR) == "/airflow/distill/resource/distill_x?name=s3%3A%2F%2Fb%2Fk"


def test_an_endpoint_that_is_neither_aws_nor_on_this_machine_has_no_page() -> None:
    for endpoint in ("http://aws-simulator:4000", "https://amazonaws.com.example.org", "https://notamazonaws.com"):
        assert page_of(JOB_ARN, clients_of(endpoint)) == ""


def test_a_waiting_task_links_to_its_job_and_later_to_the_model(returned: Any) -> None:
    task = trained(job_name="job", job_arn=JOB_ARN)
    assert links.JOB_LINK.get_link(task, ti_key=TI_KEY).endswith(JOB_ARN)
    assert links.MODEL_LINK.get_link(task, ti_key=TI_KEY) == ""
    returned({"job_arn": JOB_ARN, "model_arn": MODEL_ARN})
    assert links.MODEL_LINK.get_link(task, ti_key=TI_KEY).endswith(MODEL_ARN)


def test_a_resource_that_does_not_exist_has_no_link(returned: Any) -> None:
    assert links.JOB_LINK.get_link(trained(job_name="job", job_arn=None), ti_key=TI_KEY) == ""
    submit = BedrockSubmitCustomizationJobOperator(task_id="submit", arm="tuned", run_uri=RUN_URI, dataset={})
    assert links.JOB_LINK.get_link(submit, ti_key=TI_KEY) == ""


@pytest.mark.parametrize(("rejected", "linked"), [(0, False), (3, True)])
def test_ingest_links_to_rejected_rows_when_there_are_any(returned: Any, rejected: int, linked: bool) -> None:
    ingest = IngestCsvOperator(task_id="ingest", run_uri=RUN_URI)
    ingest.__dict__["hook"] = SIMULATOR
    returned({"rejected": rejected})
    assert links.REJECTED_ROWS_LINK.get_link(ingest, ti_key=TI_KEY).endswith("rejected.jsonl") is linked


def test_the_report_has_a_link_after_it_is_written(returned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    report = RenderReportOperator(task_id="report", run_uri=RUN_URI, ingested={}, synthesis=[], arms={}, judgments=[])
    assert links.REPORT_LINK.get_link(report, ti_key=TI_KEY) == ""
    returned({"report_html_uri": "s3://b/report.html"})
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.org/airflow/")
    page = "/airflow/dags/distill_x/runs/manual__2026-11-22T02:00:00+00:00/plugin/distill-report"
    assert links.REPORT_LINK.get_link(report, ti_key=TI_KEY) == page


@pytest.mark.parametrize("task_class", CONCRETE)
def test_the_links_of_one_task_have_different_keys(task_class: Any) -> None:
    links_of_task = task_class.operator_extra_links
    assert (
        len({link.name for link in links_of_task})
        == len({link.xcom_key for link in links_of_task})
        == len(links_of_task)
    )
