from __future__ import annotations

from typing import Any

from tests.plugins.task_groups.conftest import BASE, CHAMPION, PLAIN, TUNED, tasks

JUDGES = ("claude-haiku-4-5", "mistral-large-3")


def asked(task: Any) -> list[tuple[str, str]]:
    """Return the pairs of arms that a task's mapped instances judge."""
    return [(pair["candidate"], pair["baseline"]) for pair in task.expand_input.value]


def judge_tasks(**changes: Any) -> dict[str, Any]:
    return {task_id: task for task_id, task in tasks(**changes).items() if task_id.startswith("judge")}


def test_every_judge_has_one_task_that_is_mapped_over_the_pairs() -> None:
    comparisons = [{"candidate": "tuned", "baseline": "base"}, {"candidate": "tuned", "baseline": "plain"}]
    judges_by_id = judge_tasks(arms=[BASE, PLAIN, TUNED], comparisons=comparisons, judging={"noise_control": False})
    assert set(judges_by_id) == {f"judge.{judge}" for judge in JUDGES}
    for judge in JUDGES:
        task = judges_by_id[f"judge.{judge}"]
        assert task.partial_kwargs["judge"] == judge
        assert asked(task) == [("tuned", "base"), ("tuned", "plain")]


def test_with_a_noise_control_an_arm_is_judged_against_its_own_second_answers() -> None:
    judges_by_id = judge_tasks(arms=[BASE, TUNED], judging={"noise_control": True}, answering={"temperature": 0.5})
    assert asked(judges_by_id["judge.mistral-large-3"]) == [("tuned", "base"), ("base", "base-again")]


def test_pairs_with_the_champion_are_judged_after_all_others() -> None:
    """Before the first promotion, both groups send the same requests, and in sequence they pay for them once."""
    judges_by_id = judge_tasks(arms=[BASE, PLAIN, CHAMPION], judging={"noise_control": False})
    for judge in JUDGES:
        assert asked(judges_by_id[f"judge.{judge}"]) == [("plain", "base")]
        answers = {"base.answer", "plain.answer", "best.answer"}
        assert judges_by_id[f"judge.{judge}"].upstream_task_ids == answers
        assert asked(judges_by_id[f"judge_champion.{judge}"]) == [("plain", "best")]
        assert judges_by_id[f"judge_champion.{judge}"].upstream_task_ids == {f"judge.{judge}"}


def test_a_use_case_that_compares_only_with_its_champion_has_one_group() -> None:
    comparisons = [{"candidate": "plain", "baseline": "best"}]
    judges_by_id = judge_tasks(arms=[PLAIN, CHAMPION], comparisons=comparisons)
    assert set(judges_by_id) == {f"judge_champion.{judge}" for judge in JUDGES}


def test_judges_start_when_every_arm_has_answered_and_end_before_the_report() -> None:
    judges_by_id = tasks(arms=[BASE, TUNED])
    for judge in JUDGES:
        assert judges_by_id[f"judge.{judge}"].upstream_task_ids == {"base.answer", "tuned.answer"}
        assert "report" in judges_by_id[f"judge.{judge}"].downstream_task_ids


def test_the_tasks_of_a_judge_share_the_pool_of_its_model_and_fill_it_together() -> None:
    arms = [BASE, PLAIN, TUNED]
    for judge, task in zip(JUDGES, judge_tasks(arms=arms, judging={"noise_control": False}).values(), strict=True):
        assert len(asked(task)) == 2
        assert (task.pool, task.pool_slots) == (f"bedrock_123456789012_{judge}_us-east-1", 4)
