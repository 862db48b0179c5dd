from __future__ import annotations

import datetime
import re

import pytest

from bedrock_distill.hooks.bedrock import CustomizationJob
from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.lifecycle.progress import describe_job, describe_named_job, throughput_cost, whole_job_cost


def job(status: str = "InProgress", *details: tuple[str, str], minutes: float = 12.5) -> CustomizationJob:
    created = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=minutes)
    return CustomizationJob("job-1", "arn:job/1", status, created, details=details)


class TestDescribeJob:
    def test_a_job_without_phases_has_a_status_and_an_age(self) -> None:
        assert describe_job(job()) == "job-1 is in progress, 12 min after its creation"

    def test_the_phases_are_listed_in_bedrocks_order(self) -> None:
        phases = (
            ("validationDetails", "Completed"),
            ("dataProcessingDetails", "InProgress"),
            ("trainingDetails", "NotStarted"),
        )
        assert describe_job(job("InProgress", *phases)) == (
            "job-1 is in progress, 12 min after its creation"
            " (validation completed, data processing in progress, training not started)"
        )

    @pytest.mark.parametrize(
        ("minutes", "age"), [(1.01, "1 min"), (59.9, "59 min"), (60.1, "1 h 00 min"), (185.1, "3 h 05 min")]
    )
    def test_the_age_is_the_time_since_the_creation(self, minutes: float, age: str) -> None:
        assert describe_job(job(minutes=minutes)) == f"job-1 is in progress, {age} after its creation"

    def test_a_job_that_was_just_created_has_an_age_in_seconds(self) -> None:
        assert re.fullmatch(r"job-1 is in progress, \d s after its creation", describe_job(job(minutes=0)))

    def test_a_clock_of_aws_that_is_ahead_gives_no_negative_age(self) -> None:
        assert describe_job(job(minutes=-2)) == "job-1 is in progress, 0 s after its creation"

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            ("Completed", "completed"),
            ("NotStarted", "not started"),
            ("QUEUED", "queued"),
            ("NOT_STARTED", "not started"),
            ("?", "?"),
        ],
    )
    def test_any_status_is_named(self, status: str, words: str) -> None:
        assert describe_job(job(status)).startswith(f"job-1 is {words}, ")

    @pytest.mark.parametrize(
        ("phase", "words"),
        [
            ("S3UploadDetails", "s3 upload"),
            ("KVCacheDetails", "kv cache"),
            ("warmUp", "warm up"),
            ("Details", "Details"),
        ],
    )
    def test_no_part_of_the_name_of_a_new_phase_is_lost(self, phase: str, words: str) -> None:
        assert describe_job(job("InProgress", (phase, "Failed"))).endswith(f"({words} failed)")


class TestEvaluation:
    def test_the_description_has_status_and_age(self) -> None:
        created = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=12.5)
        job = EvaluationJob("job", "arn:job", "InProgress", created, "output", "role", "dataset")
        assert describe_named_job(job) == "Evaluation job job is InProgress, 12 min after its creation"

    def test_an_unknown_cost_is_left_out(self) -> None:
        assert (whole_job_cost(None), whole_job_cost(2)) == ("", ", at most about $2.00 in all")


class TestThroughputCost:
    @pytest.mark.parametrize(
        ("seconds", "usd_per_hour", "text"),
        [
            (0, 24.0, "about $0.00, at $24.00 per hour"),
            (1800, 24.0, "about $12.00, at $24.00 per hour"),
            (3600, 24.0, "about $24.00, at $24.00 per hour"),
            (90_000, 108.15, "about $2703.75, at $108.15 per hour"),
            (60, 0.0, "about $0.00, at $0.00 per hour"),
        ],
    )
    def test_the_cost_grows_with_the_time(self, seconds: float, usd_per_hour: float, text: str) -> None:
        assert throughput_cost(seconds, usd_per_hour) == text

    @pytest.mark.parametrize("seconds", [0, 7200])
    def test_without_a_price_the_bill_is_still_mentioned(self, seconds: float) -> None:
        assert throughput_cost(seconds, None) == "the throughput is billed by the hour"
