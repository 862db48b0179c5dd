"""Tags on everything that is bought: whose it is, and until when."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk.types import DagRunProtocol

    from include.distill.layout import RunFolder
    from include.distill.use_case import UseCase

PROJECT = "bedrock-distill"


def purchase_tags(use_case: UseCase, folder: RunFolder, dag_run: DagRunProtocol, **more: str) -> dict[str, str]:
    """
    Return the tags of a purchase.

    ``expires-at`` counts from the start of the DAG run, not from now, so that every try sends the same request.
    """
    started = dag_run.start_date or datetime.datetime.now(datetime.UTC)
    expires = started + datetime.timedelta(hours=use_case.serving.expires_after_hours)
    return {
        "project": PROJECT,
        "use-case": use_case.name,
        "run-key": folder.run_key,
        "expires-at": expires.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **more,
    }
