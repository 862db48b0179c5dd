"""
Redirect from a task's link to a resource of the AWS simulator, on the port that the simulator uses now.

Airflow stores the links of a task when the task ends. The simulator may use another port later, and a presigned URL
expires. So the stored link leads to this page, which builds the URL of the resource. Links to AWS do not need this:
the addresses of the console do not change.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi.responses import RedirectResponse

from bedrock_distill.hooks.aws import FAIL_FAST_CONFIG, AwsClients
from bedrock_distill.ui.links import THIS_MACHINE
from include.distill.config.layout import Layout
from include.distill.config.loader import load_use_cases
from include.distill.config.use_case import UseCase
from include.distill.core.storage import split_uri

router = APIRouter()

_URL_SECONDS = 3600


@router.get("/resource/{dag_id}", dependencies=[Depends(requires_access_dag("GET"))])
def resource(dag_id: str, name: Annotated[str, Query(max_length=2048)]) -> Response:
    """
    Redirect to an S3 object in the AWS simulator, or to the simulator's ledger.

    :param name: an ``s3://`` URI below the roots of the use case, or an ARN.
    """
    use_case = next((valid for valid in load_use_cases().valid if valid.dag_id == dag_id), None)
    if use_case is None:
        raise HTTPException(404, f"DAG {dag_id} does not belong to a use case, so it has no resources.")
    is_object = name.startswith("s3://")
    client = clients_for(use_case).client("s3" if is_object else "bedrock")
    endpoint = urlsplit(client.meta.endpoint_url)
    # With real AWS, a URL that this server signs would give the reader the rights of the server.
    if endpoint.hostname not in THIS_MACHINE:
        raise HTTPException(404, f"{name} is in AWS, not in an AWS simulator. Look for it in the AWS console.")
    if not is_object:
        return RedirectResponse(f"{client.meta.endpoint_url}/_admin/ledger#{name}")
    if not name.startswith(tuple(f"{root}/" for root in Layout(use_case.storage).roots)):
        raise HTTPException(404, f"{name} does not belong to the use case {use_case.name}.")
    bucket, key = split_uri(name)
    parameters = {"Bucket": bucket, "Key": key}
    url = client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=_URL_SECONDS)
    return RedirectResponse(str(url))


def clients_for(use_case: UseCase) -> AwsClients:
    """Return clients that use the use case's own connection."""
    return AwsClients(use_case.aws.conn_id, use_case.aws.region, config=FAIL_FAST_CONFIG)
