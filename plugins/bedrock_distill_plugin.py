"""
Register the report pages, their preparation, the check of the Host header, and the deadlines of runs with Airflow.

This is the only plugin that Airflow loads from this folder.
"""

from __future__ import annotations

import os
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from bedrock_distill.notify.ready_by import ReadyByReference
from bedrock_distill.ui.allowed_hosts import middlewares
from bedrock_distill.ui.paths import ui_path
from bedrock_distill.ui.warm_up import WARM_UP


async def report_pages(scope: Any, receive: Any, send: Any) -> None:
    """Serve the report pages. Import them only in the API server, because workers do not need them."""
    from bedrock_distill.ui.report_pages import app

    await app(scope, receive, send)


APPS = [{"app": report_pages, "url_prefix": "/distill", "name": "distill"}]
VIEWS = [
    {
        "name": "Distill",
        "href": ui_path("distill/overview"),
        "destination": "nav",
        "category": "browse",
        "url_route": "distill",
    },
    {
        "name": "Distill reports",
        "href": ui_path("distill/"),
        "destination": "nav",
        "category": "browse",
        "url_route": "distill-reports",
    },
    {
        "name": "Distill report",
        "href": ui_path("distill/report/{DAG_ID}/{RUN_ID}"),
        "destination": "dag_run",
        "url_route": "distill-report",
    },
]

MIDDLEWARES = [WARM_UP, *middlewares(os.environ)]
REFERENCES = [ReadyByReference]  # the scheduler computes the deadlines of runs with them


class BedrockDistillPlugin(AirflowPlugin):
    """Add pages to Airflow's UI: an overview and a list of reports in the navigation, and a tab on each run."""

    name = "bedrock_distill"
    fastapi_apps = APPS
    fastapi_root_middlewares = MIDDLEWARES
    external_views = VIEWS
    deadline_references = REFERENCES
