"""
Add links from a task's page to what the task created. The links open the AWS console or a page in Airflow.

Airflow computes the links in the worker whenever a task succeeds, fails or defers. After a deferral, a different
process computes them. So a link uses only data that every process has: the task's result and its rendered arguments.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from airflow.providers.amazon.aws.links.base_aws import BaseAwsLink
from airflow.sdk import BaseOperatorLink
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.execution_time.xcom import XCom

from bedrock_distill.hooks.aws import AwsClients
from bedrock_distill.ui.paths import ui_path
from include.distill.core.storage import split_uri

_CONSOLE_PAGES = {
    "model-customization-job": "custom-models/item",
    "custom-model": "custom-models/item",
    "provisioned-model": "provisioned-throughput/details",
    "custom-model-deployment": "custom-model-on-demand",  # the address is UNVERIFIED
    "evaluation-job": "eval/evaluation",  # https://docs.aws.amazon.com/bedrock/latest/userguide/evaluation-judge.html
    "advanced-prompt-optimization-job": "advanced-prompt-optimization",  # the address is UNVERIFIED
}
_AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


class ResourceLink(BaseOperatorLink):
    """
    Link to an AWS resource that the task created or uses.

    :param label: the button's text.
    :param key: key of the ARN or S3 URI in the task's manifest. If the manifest lacks the key, the
        task's inputs are searched for it.
    """

    def __init__(self, label: str, key: str) -> None:
        self._label, self._key = label, key

    @property
    def name(self) -> str:
        """The button's text."""
        return self._label

    @property
    def xcom_key(self) -> str:
        """The XCom key under which Airflow stores the link."""
        return f"_link_{self._key}"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the URL of the resource's page. If there is no resource yet, return ``""``, which hides the button."""
        arguments = (getattr(operator, field) for field in operator.template_fields)
        manifests = (manifest for manifest in (_returned(ti_key), *arguments) if isinstance(manifest, dict))
        resource = next((manifest[self._key] for manifest in manifests if manifest.get(self._key)), None)
        return console_url(resource, operator.hook, dag_id=ti_key.dag_id) if resource else ""


class RejectedRowsLink(ResourceLink):
    """Link to the rows that ``ingest`` rejected, if there are any."""

    def __init__(self) -> None:
        super().__init__("Rejected rows", "rejected")

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the URL of ``rejected.jsonl``; empty if no row was rejected."""
        if not (_returned(ti_key) or {}).get("rejected"):
            return ""
        return console_url(operator.folder.source("rejected"), operator.hook, dag_id=ti_key.dag_id)


class ReportLink(ResourceLink):
    """Link to the run's report inside Airflow's UI."""

    def __init__(self) -> None:
        super().__init__("Report", "report")

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the URL of the run's report tab; empty if the report is not written yet."""
        if not _returned(ti_key):
            return ""
        dag_id, run_id = (quote(part, safe=":+") for part in (ti_key.dag_id, ti_key.run_id))  # quoted as in the UI
        return ui_path(f"dags/{dag_id}/runs/{run_id}/plugin/distill-report")


JOB_LINK = ResourceLink("Customization job", "job_arn")
MODEL_LINK = ResourceLink("Custom model", "model_arn")
THROUGHPUT_LINK = ResourceLink("Provisioned throughput", "throughput_arn")
DEPLOYMENT_LINK = ResourceLink("Deployment", "deployment_arn")
STANDING_LINK = ResourceLink("Standing endpoint", "arn")
CHAMPION_ENDPOINT_LINK = ResourceLink("Standing endpoint", "endpoint_arn")
EVALUATION_LINK = ResourceLink("Evaluation job", "job_arn")
OPTIMIZATION_LINK = ResourceLink("Prompt optimization job", "job_arn")
TRAINING_DATA_LINK = ResourceLink("Training data", "train_uri")
REJECTED_ROWS_LINK = RejectedRowsLink()
REPORT_LINK = ReportLink()


def console_url(resource: str, clients: AwsClients, *, dag_id: str) -> str:
    """
    Return the URL of the web page for an ARN or S3 URI; empty if there is no such page.

    For AWS, the page is in the console. For an AWS simulator on this machine, the page is the S3 object itself
    or the simulator's ledger. If the clients use any other endpoint, the URL is empty.

    Airflow stores the returned URL, so it must not contain the simulator's port, which may change. For a simulator, the
    URL therefore leads to a page of this plugin, which knows the port.

    :param resource: a Bedrock ARN or an ``s3://`` URI.
    :param dag_id: the DAG of the task. For a simulator, whoever may read this DAG may open the page.
    """
    client = clients.client("s3" if resource.startswith("s3://") else "bedrock")
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    if host.endswith(_AWS_HOSTS):
        return _aws_console_url(resource, client.meta)
    if host in THIS_MACHINE:
        return ui_path(f"distill/resource/{quote(dag_id, safe='')}?name={quote(resource, safe='')}")
    return ""


def has_aws_endpoint(clients: AwsClients) -> bool:
    """Return whether requests for Bedrock go to AWS, and not to a simulator. No request is sent for this."""
    host = urlsplit(clients.client("bedrock").meta.endpoint_url).hostname or ""
    return host.endswith(_AWS_HOSTS)


def _aws_console_url(resource: str, meta: Any) -> str:
    region = meta.region_name
    console = f"https://{region}.console.{BaseAwsLink.get_aws_domain(meta.partition)}"
    if resource.startswith("s3://"):
        bucket, key = split_uri(resource)
        return f"{console}/s3/object/{bucket}?region={region}&prefix={quote(key)}"
    kind = resource.split(":", 5)[5].split("/", 1)[0]  # arn:aws:bedrock:<region>:<account>:<kind>/…
    return f"{console}/bedrock/home?region={region}#/{_CONSOLE_PAGES[kind]}?arn={quote(resource, safe=':/')}"


def _returned(ti_key: Any) -> Any:
    return XCom.get_value(ti_key=ti_key, key=BaseXCom.XCOM_RETURN_KEY)
