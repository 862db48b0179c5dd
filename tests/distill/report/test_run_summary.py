"""Check how the results of a run's tasks are summed up."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.report.run_summary import (
    SYNTHESIS_COUNTS,
    ArmSummary,
    describe_settings,
    document_group_by_row,
    sum_synthesis,
    sum_usage,
    summarize_synthesis,
)
from tests.distill.conftest import make_row, make_use_case

USE_CASE = make_use_case(judges=["claude-haiku-4-5", "llama-3-3-70b"])


def manifest(number: int, **more: Any) -> Any:
    return {**dict.fromkeys(SYNTHESIS_COUNTS, number), "failed": 9, "dropped": {"length": number}, **more}


def test_the_counts_of_the_teachers_tasks_are_summed_one_by_one() -> None:
    assert sum_synthesis([manifest(1), manifest(2)]) == dict.fromkeys(SYNTHESIS_COUNTS, 3)
    assert sum_synthesis([]) == dict.fromkeys(SYNTHESIS_COUNTS, 0)


def test_a_manifest_without_a_count_is_an_error_and_not_zero() -> None:
    with pytest.raises(KeyError, match="calls"):
        sum_usage([{"input_tokens": 1}], ("input_tokens", "calls"))  # type: ignore[typeddict-item]


def test_the_synthesis_part_has_every_count_with_the_dropped_pairs_and_the_critic() -> None:
    critic = {
        "grounded": 1, "ungrounded": 0, "unparsable": 0, "not_looked_at": 0, "calls": 1, "cache_hits": 0,
        "input_tokens": 5, "output_tokens": 2, "simulated": True,
    }  # fmt: skip
    summary = summarize_synthesis([manifest(4, critic=critic)])
    assert summary == {**dict.fromkeys(SYNTHESIS_COUNTS, 4), "dropped": {"length": 4}, "critic": critic}
    assert summarize_synthesis([]) == {**dict.fromkeys(SYNTHESIS_COUNTS, 0), "dropped": {}, "critic": None}


def test_an_arm_that_trains_nothing_has_null_values_and_is_released() -> None:
    record = ArmSummary("base", "base", []).as_record()
    assert record.pop("released") is True
    assert {record.pop("name"), record.pop("kind")} == {"base"}
    assert set(record.values()) == {None}


def test_a_trained_arm_names_its_job_and_training_file() -> None:
    arm = ArmSummary(
        "tuned",
        "fine_tuned",
        [],
        dataset={"records": 120, "train_uri": "s3://t"},
        trained={"job_arn": "arn:job", "status": "Completed", "training_loss": 0.5},
        serving="provisioned_throughput",
        released=False,
    )
    assert arm.as_record() == {
        "name": "tuned",
        "kind": "fine_tuned",
        "records": 120,
        "train_uri": "s3://t",
        "job_arn": "arn:job",
        "job_status": "Completed",
        "training_loss": 0.5,
        "serving": "provisioned_throughput",
        "released": False,
    }


def test_rows_of_one_document_are_one_document_group() -> None:
    rows = [make_row(1, document="d"), make_row(2, document="d"), make_row(3, document="other")]
    groups = document_group_by_row(rows)
    assert list(groups) == [row["row_id"] for row in rows]
    assert groups[rows[0]["row_id"]] == groups[rows[1]["row_id"]] != groups[rows[2]["row_id"]]


def test_the_settings_name_what_a_reader_needs_to_repeat_the_run() -> None:
    settings = describe_settings(USE_CASE, prompts={"a.j2": "v1", "b.j2": "v2"})
    assert (settings["teacher"], settings["student"]) == ("claude-sonnet-4-6", "nova-micro")
    assert settings["prompts"] == "a.j2 v1, b.j2 v2"
    assert settings["hyperparameters"] == "defaults"


def test_a_judge_from_the_teachers_family_is_marked() -> None:
    judges = describe_settings(USE_CASE, prompts={})["judges"]
    assert judges == "claude-haiku-4-5 (from the teacher's family), llama-3-3-70b"


def test_the_teachers_terms_are_named_when_the_student_is_from_another_provider() -> None:
    note = describe_settings(USE_CASE, prompts={})["licence of the answers"]
    assert "nova-micro, amazon" in note
    assert "licence of the answers" not in describe_settings(make_use_case(teacher="nova-pro"), prompts={})


def test_the_critic_is_named_with_its_budget() -> None:
    asking = make_use_case(curation={"critic": {"model": "claude-haiku-4-5", "max_spend_usd": 5}})
    assert describe_settings(asking, prompts={})["critic"] == "claude-haiku-4-5, for at most $5.00"
    assert "critic" not in describe_settings(USE_CASE, prompts={})
