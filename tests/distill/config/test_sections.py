from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.distill.config.sections import Aws, Batch, Curation, FanOut, Judging, Section, SourceData, Storage
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import make_use_case


@pytest.mark.parametrize(
    ("section", "values", "problem"),
    [
        pytest.param(Batch, {"timeout_hour": 30}, "timeout_hour", id="unknown key"),
        pytest.param(Batch, {"timeout_hours": True}, "found true", id="true for a number"),
        pytest.param(FanOut, {"max_failed_share": False}, "found false", id="false for a number"),
        pytest.param(FanOut, {"max_failed_share": float("nan")}, "finite number", id="not a number"),
        pytest.param(SourceData, {"training_csv": "a\x00"}, "found the character", id="a control character"),
        pytest.param(SourceData, {"training_csv": " "}, "training_csv", id="a blank path"),
        pytest.param(
            Storage, {"training_bucket": "A_B", "output_bucket": "out"}, "training_bucket", id="invalid bucket name"
        ),
        pytest.param(
            Curation,
            {"min_answer_characters": 9, "max_answer_characters": 8},
            "min_answer_characters is 9 and max_answer_characters is 8, so every pair would be rejected",
            id="crossing bounds",
        ),
    ],
)
def test_a_wrong_value_in_a_section_is_refused(section: type[Section], values: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as raised:
        section(**values)
    assert problem in str(raised.value)


def test_a_boolean_is_accepted_where_a_boolean_is_expected() -> None:
    assert Judging(show_reference=True).show_reference is True


def test_a_section_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Batch().timeout_hours = 30  # type: ignore[misc]


def test_a_fan_out_has_twice_as_many_threads_as_concurrent_calls() -> None:
    assert FanOut(concurrency=8).threads == 16


def test_a_bucket_that_is_used_for_both_is_named_once() -> None:
    assert Storage(training_bucket="training", output_bucket="output").buckets == ("training", "output")
    assert Storage(training_bucket="both", output_bucket="both").buckets == ("both",)


@pytest.mark.parametrize("key", ["conn_id", "promotion_conn_id", "clean_up_conn_id"])
@pytest.mark.parametrize("wrong", ["a\nb", "a\tb", "a" * 251])
def test_a_connection_that_airflow_cannot_have_is_refused(key: str, wrong: str) -> None:
    with pytest.raises(ValidationError, match=key):
        Aws.model_validate({"role_arn": "arn:aws:iam::123456789012:role/r", key: wrong})


def test_a_connection_that_is_not_set_or_empty_is_that_of_the_run() -> None:
    run = {"conn_id": "run", "role_arn": "arn:aws:iam::123456789012:role/r"}
    for unset in ({}, {"promotion_conn_id": "", "clean_up_conn_id": ""}):
        aws = Aws.model_validate({**run, **unset})
        assert (aws.promotion_connection, aws.clean_up_connection) == ("run", "run")
    aws = Aws.model_validate({**run, "promotion_conn_id": "promote", "clean_up_conn_id": "tidy"})
    assert (aws.conn_id, aws.promotion_connection, aws.clean_up_connection) == ("run", "promote", "tidy")


@pytest.mark.parametrize("key", ["conn_id", "promotion_conn_id", "clean_up_conn_id"])
@pytest.mark.parametrize(
    "value", ["aws://key:s3cret@/?region_name=x", "the s3cret", "{{ conn.s3cret }}", "a\u00a0s3cret"]
)
def test_what_cannot_be_the_id_of_a_connection_is_refused_and_not_shown(key: str, value: str) -> None:
    with pytest.raises(UseCaseError, match=rf"aws\.{key}: found a .* which is not shown here") as refused:
        make_use_case(aws={"role_arn": "arn:aws:iam::123456789012:role/r", key: value})
    assert "s3cret" not in str(refused.value)


def test_the_connection_of_the_runs_is_not_empty() -> None:
    with pytest.raises(UseCaseError, match=r"aws\.conn_id: found '', expected"):
        make_use_case(aws={"role_arn": "arn:aws:iam::123456789012:role/r", "conn_id": ""})
