"""Test how the results of a run's tasks are summarized."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.prompt_optimization.results import prompt_version
from include.distill.report.run_summary import (
    SYNTHESIS_COUNTS,
    ArmSummary,
    arm_records,
    describe_settings,
    document_group_by_row,
    sum_synthesis,
    sum_usage,
    summarize_synthesis,
)
from tests.distill.conftest import make_row, make_use_case
from tests.distill.report.example_prompts import OPTIMIZED, optimized_prompt

USE_CASE = make_use_case(judges=["claude-haiku-4-5", "llama-3-3-70b"])


def manifest(number: int, **more: Any) -> Any:
    return {**dict.fromkeys(SYNTHESIS_COUNTS, number), "failed": 9, "dropped": {"length": number}, **more}


def test_each_count_is_added_over_the_tasks_of_the_teacher() -> None:
    assert sum_synthesis([manifest(1), manifest(2)]) == dict.fromkeys(SYNTHESIS_COUNTS, 3)
    assert sum_synthesis([]) == dict.fromkeys(SYNTHESIS_COUNTS, 0)


def test_a_manifest_without_a_count_raises_an_error() -> None:
    with pytest.raises(KeyError, match="calls"):
        sum_usage([{"input_tokens": 1}], ("input_tokens", "calls"))  # type: ignore[typeddict-item]


def test_the_synthesis_part_has_every_count_the_dropped_pairs_and_the_critic_counts() -> None:
    critic = {
        "grounded": 1, "ungrounded": 0, "unparsable": 0, "not_looked_at": 0, "calls": 1, "cache_hits": 0,
        "input_tokens": 5, "output_tokens": 2, "simulated": True,
    }  # fmt: skip
    summary = summarize_synthesis([{**manifest(4, critic=critic), "undecided": 3}])
    assert summary == {
        **dict.fromkeys(SYNTHESIS_COUNTS, 4),
        "undecided": 3,
        "dropped": {"length": 4},
        "critic": critic,
    }
    assert summarize_synthesis([]) == {
        **dict.fromkeys(SYNTHESIS_COUNTS, 0),
        "undecided": 0,
        "dropped": {},
        "critic": None,
    }


def test_an_arm_without_training_has_null_values_and_counts_as_released() -> None:
    record = ArmSummary("base", "base", []).as_record()
    assert record.pop("released") is True
    assert {record.pop("name"), record.pop("kind")} == {"base"}
    assert set(record.values()) == {None}


def test_a_champion_arm_says_whether_the_base_student_answers_for_it() -> None:
    assert ArmSummary("best", "champion", []).as_record()["base_student_answers"] is True
    assert ArmSummary("best", "champion", [], model_arn="arn:m").as_record()["base_student_answers"] is False
    assert "base_student_answers" not in ArmSummary("tuned", "fine_tuned", []).as_record()


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


def test_rows_of_one_document_are_in_one_document_group() -> None:
    rows = [make_row(1, document="d"), make_row(2, document="d"), make_row(3, document="other")]
    groups = document_group_by_row(rows)
    assert list(groups) == [row["row_id"] for row in rows]
    assert groups[rows[0]["row_id"]] == groups[rows[1]["row_id"]] != groups[rows[2]["row_id"]]


def test_the_settings_name_the_models_the_prompts_and_the_hyperparameters() -> None:
    settings = describe_settings(USE_CASE, prompts={"a.j2": "v1", "b.j2": "v2"})
    assert (settings["teacher"], settings["student"]) == ("claude-sonnet-4-6", "nova-micro")
    assert settings["prompts"] == "a.j2 v1, b.j2 v2"
    assert settings["hyperparameters"] == "defaults"


def test_a_judge_from_the_family_of_the_teacher_is_marked_in_the_settings() -> None:
    judges = describe_settings(USE_CASE, prompts={})["judges"]
    assert judges == "claude-haiku-4-5 (from the teacher's family), llama-3-3-70b"


def test_the_licence_of_the_answers_is_named_if_the_student_has_another_provider_than_the_teacher() -> None:
    note = describe_settings(USE_CASE, prompts={})["licence of the answers"]
    assert "nova-micro, amazon" in note
    assert "licence of the answers" not in describe_settings(make_use_case(teacher="nova-pro"), prompts={})


def test_the_settings_name_the_critic_with_its_budget() -> None:
    asking = make_use_case(curation={"critic": {"model": "claude-haiku-4-5", "max_spend_usd": 5}})
    assert describe_settings(asking, prompts={})["critic"] == "claude-haiku-4-5, for at most $5.00"
    assert "critic" not in describe_settings(USE_CASE, prompts={})


@pytest.mark.parametrize(
    ("mix", "trained_on", "counts", "designed"),
    [
        ({"originals": 125, "synthetic": 375}, 372, None, 500),
        ({"originals": 125, "synthetic": 375}, 500, None, 500),
        ({"originals": 125, "synthetic": 0}, 125, None, 125),
        ({"originals": 0, "synthetic": 30}, 20, None, 30),
        ({"originals": "all", "synthetic": 100}, 130, {"originals": 40, "synthetic": 90}, 140),
        ({"originals": 50, "synthetic": "all"}, 138, {"originals": 48, "synthetic": 90}, 140),
        ({"originals": "all", "synthetic": "all"}, 146, {"originals": 40, "synthetic": 106}, 146),
        ({"originals": "all", "synthetic": 100}, 130, None, 130),
    ],
)
def test_a_trained_arm_has_the_number_of_records_that_the_use_case_requests(
    mix: dict[str, Any], trained_on: int, counts: dict[str, int] | None, designed: int
) -> None:
    use_case = make_use_case(arms=[{"name": "base", "kind": "base"}, {"name": "mixed", **mix}])
    dataset: Any = {"records": trained_on, "train_uri": "s3://b/train.jsonl"}
    arms = [ArmSummary("base", "base", []), ArmSummary("mixed", "fine_tuned", [], dataset=dataset)]
    cards: Any = [{"arm": "mixed", "counts": counts}] if counts else []
    base, mixed = arm_records(arms, use_case, cards)
    assert base["designed"] is None
    assert (mixed["records"], mixed["designed"]) == (trained_on, designed)


def test_an_arm_with_an_optimized_prompt_has_the_version_of_the_prompt() -> None:
    arms = [{"name": "base", "kind": "base"}, {"name": "prompted", "kind": "base", "prompt": "optimized"}]
    use_case = make_use_case(arms=[*arms, {"name": "tuned"}])
    summaries = [ArmSummary("base", "base", []), ArmSummary("prompted", "base", [])]
    base, prompted = arm_records(summaries, use_case, [], [optimized_prompt()])
    assert "prompt" not in base
    assert (prompted["prompt"], prompted["prompt_version"]) == ("optimized", prompt_version(OPTIMIZED))
    _, unread = arm_records(summaries, use_case, [])
    assert (unread["prompt"], "prompt_version" in unread) == ("optimized", False)
    settings = describe_settings(use_case, prompts={})
    assert settings["judge of the job that optimized the prompt of prompted"] == "claude-sonnet-4-6"
