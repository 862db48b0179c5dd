"""Check that the tags of a purchase name its owner and its expiry."""

from __future__ import annotations

import dataclasses
import datetime
import re
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.lifecycle.tags import purchase_tags, standing_tags
from bedrock_distill.run.state import run_state
from include.distill.cleanup.expiry import expires_at
from include.distill.config.company import OWN_TAGS
from include.distill.config.use_case import UseCase
from tests.plugins.conftest import FOLDER

STARTED = datetime.datetime(2026, 11, 22, 2, 0, tzinfo=datetime.UTC)


@dataclasses.dataclass
class FakeDagRun:
    dag_id: str = "distill_aws_docs_qa"
    run_id: str = "manual__2026-11-22T02:00:00+00:00"
    start_date: datetime.datetime | None = STARTED


def tags(use_case: UseCase, *, hours: float = 12, dag_run: Any = None, **more: str) -> dict[str, str]:
    serving = use_case.serving.model_copy(update={"expires_after_hours": hours})
    return purchase_tags(use_case.model_copy(update={"serving": serving}), FOLDER, dag_run or FakeDagRun(), **more)


def test_tags_name_the_project_and_the_run_and_include_the_additional_tags(use_case: UseCase) -> None:
    assert tags(use_case, arm="tuned") == {
        "project": "bedrock-distill",
        "use-case": "aws_docs_qa",
        "environment": "test",
        "run-key": FOLDER.run_key,
        "dag-id": "distill_aws_docs_qa",
        "run-id": "manual__2026-11-22T02:00:00+00:00",
        "expires-at": "2026-11-22T14:00:00Z",
        "arm": "tuned",
    }


def test_every_tag_that_the_pipeline_sets_is_refused_as_a_custom_tag(use_case: UseCase) -> None:
    extra = dict.fromkeys(("arm", "step", "evaluator", "fingerprint"), "value")
    standing = standing_tags(use_case, dag_id="d", run_id="r", run_key=FOLDER.run_key)
    assert tags(use_case, **extra).keys() | standing.keys() == OWN_TAGS


def test_custom_tags_are_added_and_do_not_change_the_pipelines_own(use_case: UseCase) -> None:
    aws = use_case.aws.model_copy(update={"tags": {"cost-center": "4711", "project": "other"}})
    company = use_case.model_copy(update={"aws": aws})
    assert tags(company) == {**tags(use_case), "cost-center": "4711"}
    run = {"dag_id": "d", "run_id": "r", "run_key": FOLDER.run_key}
    assert standing_tags(company, **run) == {**standing_tags(use_case, **run), "cost-center": "4711"}


def test_the_expiry_counts_from_the_start_of_the_run_so_that_every_attempt_sends_the_same_request(
    use_case: UseCase,
) -> None:
    """Bedrock reports a conflict if two requests have the same token but different tags."""
    assert expires_at(tags(use_case, hours=1.5)) == STARTED + datetime.timedelta(hours=1.5)


def test_the_expiry_is_in_utc_wherever_the_run_started(use_case: UseCase) -> None:
    tokyo = STARTED.astimezone(datetime.timezone(datetime.timedelta(hours=9)))
    assert tags(use_case, dag_run=FakeDagRun(start_date=tokyo))["expires-at"] == "2026-11-22T14:00:00Z"


def test_purchases_of_a_run_without_a_start_also_expire(use_case: UseCase) -> None:
    expiry = expires_at(tags(use_case, dag_run=FakeDagRun(start_date=None)))
    assert expiry is not None
    from_now = expiry - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(hours=11.9) < from_now <= datetime.timedelta(hours=12)


@pytest.mark.parametrize("run_id", ["nightly~2", "nightly, again", "manual__été", "x" * 257])
def test_a_run_id_that_aws_does_not_accept_is_escaped_and_found_again(use_case: UseCase, run_id: str) -> None:
    purchase = tags(use_case, dag_run=SimpleNamespace(dag_id="тест", run_id=run_id, start_date=STARTED))
    asked: list[tuple[str, str]] = []

    def state(dag_id: str, run_id: str) -> str:
        asked.append((dag_id, run_id))
        return "running"

    context: Any = {"ti": SimpleNamespace(get_dagrun_state=state)}
    assert run_state(purchase, context) == "running"
    assert asked == [("тест", run_id)]
    assert all(re.fullmatch(r"[a-zA-Z0-9\s._:/=+@-]{0,256}", value) for value in purchase.values())
    assert purchase["run-key"] == FOLDER.run_key


def test_a_standing_endpoint_has_no_expiry_and_no_arm_and_its_run_is_only_information(use_case: UseCase) -> None:
    made = standing_tags(use_case, dag_id="distill_aws_docs_qa", run_id="nightly~2", run_key=FOLDER.run_key)
    assert made == {
        "project": "bedrock-distill",
        "environment": "test",
        "use-case": "aws_docs_qa",
        "role": "standing",
        "run-key": FOLDER.run_key,
        "dag-id": "distill_aws_docs_qa",
        "run-id": "escaped:nightly=7E2",
    }
