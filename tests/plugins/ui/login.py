"""Log users in to the plugin's pages with Airflow's own login."""

from __future__ import annotations

from typing import Any

from airflow import settings
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models import import_all_models
from airflow.models.base import Base
from starlette.testclient import TestClient

from bedrock_distill.ui import report_pages


class OneDagOnly(SimpleAuthManager):
    """Airflow's simple login, with permissions for each DAG as in larger auth managers."""

    def is_authorized_dag(self, *, details: Any = None, **request: Any) -> bool:
        return details.id == "distill_aws_docs_qa" and super().is_authorized_dag(details=details, **request)


def create_tables() -> None:
    """Create the tables that a login reads."""
    settings.initialize()
    import_all_models()
    Base.metadata.create_all(settings.engine)


def log_in(auth: SimpleAuthManager, role: str | None = "viewer", **options: Any) -> TestClient:
    """Return a browser with the cookie that Airflow sets at login."""
    token = auth.generate_jwt(SimpleAuthManagerUser(username="ann", role=role))
    return TestClient(report_pages.app, cookies={"_token": token}, **options)
