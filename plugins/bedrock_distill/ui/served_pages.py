"""
Build what all pages of the plugin share: their HTTP headers, the check of the user's rights, and messages about errors.

The pages show text that models wrote. So they forbid scripts and external requests.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import HTTPException, Request, Response

from bedrock_distill.hooks.aws import FAIL_FAST_CONFIG, AwsClients
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.ui.links import has_aws_endpoint
from bedrock_distill.ui.paths import ui_path
from include.distill.config.layout import Layout
from include.distill.config.root_owner import foreign_root_problem
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ContractError, RefusedError
from include.distill.core.storage import ObjectStore
from include.distill.history.readable import ReadableHistory
from include.distill.report.templates import url_text

log = logging.getLogger(__name__)

CLIENTS_SECONDS = 300.0  # how long pages use the same clients
_creating = threading.Lock()  # without it, threads that start together would each create clients

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'"
)
# The sandbox disables all scripts and plugins in a page. A page with links keeps Airflow's origin, so that its links
# send the session cookie. A report has no links, so it gets its own origin.
LINKED_POLICY, REPORT_POLICY = f"{_POLICY}; sandbox allow-same-origin allow-downloads", f"{_POLICY}; sandbox"
# A sandbox would also stop a page from loading itself again. The live page shows no text of models, and default-src
# still forbids scripts.
LIVE_POLICY = _POLICY


def is_foreign(store: ObjectStore, use_case: UseCase) -> bool:
    """
    Return whether another environment owns the root of a use case.

    Scheduled runs have the same ids in all environments, so the ids in a report do not tell environments apart.
    """
    return foreign_root_problem(store, Layout(use_case.storage).roots[0], use_case.environment) is not None


def store_for(use_case: UseCase) -> ObjectStore:
    """
    Return a use case's object store, which uses the use case's own connection.

    To create boto3's clients takes much longer than to read what a page shows, so use cases with the same connection
    share them. After some minutes, new clients read the connection again, because a person may have changed it.
    """
    return S3ObjectStore(_clients_of(use_case))


def prepare_s3(use_case: UseCase) -> None:
    """Create the client that :func:`store_for` uses. No request is sent."""
    _clients_of(use_case).client("s3")


def is_simulated(use_case: UseCase) -> bool:
    """Return whether a simulator answers in place of AWS; ``False`` if this cannot be seen. No request is sent."""
    try:
        return not has_aws_endpoint(_clients_of(use_case))
    except Exception:  # the connection cannot be read; the page shows what it can
        log.debug("It cannot be seen whether a simulator answers", exc_info=True)
        return False


def _clients_of(use_case: UseCase) -> AwsClients:
    owners = tuple(sorted(use_case.bucket_owners.items()))
    with _creating:
        return _clients(use_case.aws.conn_id, use_case.aws.region, owners, clients_period())


def clients_period() -> int:
    """Return a number that changes when pages must create their clients again."""
    return int(time.monotonic() // CLIENTS_SECONDS)


@lru_cache(maxsize=16)
def _clients(conn_id: str, region: str | None, owners: tuple[tuple[str, str], ...], period: int) -> AwsClients:
    return AwsClients(conn_id, region, bucket_owners=dict(owners), config=FAIL_FAST_CONFIG)


class PageError(HTTPException):
    """A page cannot be shown, and the page that is shown instead has a title of its own."""

    def __init__(self, title: str, text: str, status: int = 404) -> None:
        super().__init__(status, text)
        self.title = title


def logged(error: Exception, place: str) -> str:
    """
    Log an error, and return sentences that tell the reader of the page whether to try again, and what to search for.

    AWS's messages name the role, the account and the bucket. Whoever may see a DAG does not need to know them.
    """
    code = getattr(error, "code", "") or type(error).__name__
    if isinstance(error, RefusedError | ContractError):
        return f"The error is {code}. Trying again does not help. {_logged_reference(error, place)}"
    return f"The error is {code}. Try again later. If the error persists, {_ask(_log(error, place))}"


def unusable_months(history: ReadableHistory) -> list[str]:
    """Log each month of a history that cannot be used, and return a sentence about it that names its object."""
    return [f"{month.sentence} {_logged_reference(month.error, month.uri)}" for month in history.unusable]


def _logged_reference(error: Exception, place: str) -> str:
    """Log an error, and return a sentence that tells the reader of the page how to find the log entry."""
    sentence = _ask(_log(error, place))
    return f"{sentence[0].upper()}{sentence[1:]}"


def _log(error: Exception, place: str) -> str:
    reference = secrets.token_hex(4)
    log.error("Page, reference %s: %s: %s: %s", reference, place, type(error).__name__, error)
    return reference


def _ask(reference: str) -> str:
    return f"ask the person who runs Airflow to search the API server's log for {reference}."


def may_read(dag_id: str, request: Request, user: Any) -> bool:
    """Return whether the user may read a DAG."""
    try:
        requires_access_dag("GET", param_dag_id=dag_id)(request, user)
    except HTTPException:
        return False
    return True


def login_url(request: Request) -> str:
    """
    Return the address of Airflow's login, which then leads back to the requested page.

    The page is a path below the plugin's own pages, so the login cannot lead to another site. Airflow checks it again.
    """
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    query = f"?{request.url.query}" if request.url.query else ""
    requested = ui_path(f"distill/{url_text(path.lstrip('/'))}{query}")
    return ui_path(f"api/v2/auth/login?{urlencode({'next': requested})}")


def page(html: str | bytes, status: int = 200, *, policy: str = LINKED_POLICY) -> Response:
    """Return a response with a page and the headers that every page has."""
    return Response(html, status, headers_with(policy), media_type="text/html; charset=utf-8")


def headers_with(policy: str) -> dict[str, str]:
    """Return the headers of a page, or of a file that a page offers for download."""
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
