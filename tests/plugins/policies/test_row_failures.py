from __future__ import annotations

import logging
from typing import Any

import pytest

from bedrock_distill.policies.row_failures import retry_or_record
from include.distill.core.errors import (
    ExpiredCredentialsError,
    InvalidRequestError,
    PossiblyBilledError,
    RefusedError,
    ServiceError,
    ThrottledError,
    TransientError,
)
from tests.plugins.conftest import make_row

BROKEN = (make_row(3), InvalidRequestError("too long"))


def retry(context: Any, *failures: tuple[dict[str, Any], ServiceError], tries_left: bool) -> list[Any]:
    context["ti"].try_number, context["ti"].max_tries = (2, 2) if tries_left else (3, 2)
    return list(retry_or_record(failures, context))


@pytest.mark.parametrize("error", [ThrottledError("429"), TransientError("500"), ExpiredCredentialsError("403")])
def test_a_row_with_a_transient_error_makes_airflow_retry_the_task(context: Any, error: ServiceError) -> None:
    """A row that can never succeed does not prevent the retry, because the retry pays only for missing answers."""
    with pytest.raises(type(error), match=str(error)):
        retry(context, BROKEN, (make_row(4), error), tries_left=True)


def test_in_the_last_attempt_a_failed_row_is_recorded(context: Any) -> None:
    assert retry(context, (make_row(4), ThrottledError("429")), tries_left=False) == [
        {
            "row_id": make_row(4)["row_id"],
            "reason": "ThrottledError",
            "code": "",
            "message": "429",
            "advice": "",
            "text": {"question": "What says 4?"},
        }
    ]


@pytest.mark.parametrize(
    "error", [RefusedError("denied"), InvalidRequestError("too long"), PossiblyBilledError("read timeout")]
)
def test_rows_for_which_a_retry_cannot_help_are_recorded_at_once(context: Any, error: ServiceError) -> None:
    records = retry(context, (make_row(3), error), (make_row(4), error), tries_left=True)
    assert [record["row_id"] for record in records] == [make_row(3)["row_id"], make_row(4)["row_id"]]
    assert {record["reason"] for record in records} == {type(error).__name__}


def test_the_error_of_a_retry_counts_the_failed_rows_by_cause_and_has_the_advice_on_each_cause(context: Any) -> None:
    throttled = ThrottledError("429", to_do="Compare the quotas.")
    with pytest.raises(ThrottledError) as raised:
        retry(context, (make_row(4), throttled), BROKEN, (make_row(5), throttled), tries_left=True)
    assert raised.value.happened == (
        "Calls without an answer: 3. ThrottledError (2 times), for example: 429. InvalidRequestError (once), for"
        " example: too long."
    )
    assert raised.value.advice("t") == "Compare the quotas. Then clear t, which requests only the missing answers."


def test_without_failures_there_is_nothing_to_record(context: Any) -> None:
    assert retry(context, tries_left=True) == []


def test_the_log_has_the_row_number_and_the_error_but_no_text_of_the_row(
    context: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        retry(context, BROKEN, tries_left=False)
    assert "Row 3 failed: too long" in caplog.text
    assert not [text for text in ("says", "Document") if text in caplog.text]
