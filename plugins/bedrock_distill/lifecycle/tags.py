"""
Create the tags of a bought resource. They say which run bought the resource and when it expires.

The use case may name more tags, such as a cost center (``aws.tags``). No check reads them, and no name or request token
depends on them. So a change of these tags buys nothing again, and existing resources keep the tags that they have.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING

from include.distill.cleanup.expiry import PROJECT_TAG, TIME_FORMAT
from include.distill.cleanup.ownership import ROLE_TAG, STANDING_ROLE
from include.distill.cleanup.tag_values import to_tags

if TYPE_CHECKING:
    from airflow.sdk.types import DagRunProtocol

    from include.distill.config.layout import RunFolder
    from include.distill.config.use_case import UseCase


def purchase_tags(use_case: UseCase, folder: RunFolder, dag_run: DagRunProtocol, **more: str) -> dict[str, str]:
    """
    Return the tags for a resource that the run buys.

    ``expires-at`` counts from the start of the DAG run, not from now, so that every attempt sends the same request.

    :param more: additional tags for this resource.
    """
    started = dag_run.start_date or datetime.datetime.now(datetime.UTC)
    expires = started + datetime.timedelta(hours=use_case.serving.expires_after_hours)
    texts = {
        "project": PROJECT_TAG,
        "environment": use_case.environment,
        "use-case": use_case.name,
        "run-key": folder.run_key,
        "expires-at": expires.astimezone(datetime.UTC).strftime(TIME_FORMAT),
        "dag-id": dag_run.dag_id,
        "run-id": dag_run.run_id,
        **more,
    }
    return _with_custom_tags(use_case, texts)


def standing_tags(use_case: UseCase, *, dag_id: str, run_id: str, run_key: str) -> dict[str, str]:
    """
    Return the tags for a use case's standing endpoint.

    The tags name the run that created the endpoint only as information, because the endpoint outlives the run. There is
    no tag ``expires-at`` and no tag ``arm``. So a sweeper, even one of an earlier version, finds no owner and leaves
    the endpoint alone.
    """
    texts = {
        "project": PROJECT_TAG,
        "environment": use_case.environment,
        "use-case": use_case.name,
        ROLE_TAG: STANDING_ROLE,
        "run-key": run_key,
        "dag-id": dag_id,
        "run-id": run_id,
    }
    return _with_custom_tags(use_case, texts)


def _with_custom_tags(use_case: UseCase, texts: Mapping[str, str]) -> dict[str, str]:
    own = {key: value for name, text in texts.items() for key, value in to_tags(name, text).items()}
    return {**use_case.aws.tags, **own}
