"""Check how the failed tasks of a run are named, and in which order a person clears them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from bedrock_distill.run.failed_tasks import RunStates, TaskGroupOfState, next_steps, steps_after_skips, without_note

ORDER = ["synthesize", "curate", "tuned.provision", "tuned.in_service", "base.answer", "tuned.answer", "tuned.release"]
ORDER += ["judge.b", "judge.a", "report", "outcome"]
MAPPED = ["synthesize", "base.answer", "tuned.answer", "judge.a", "judge.b"]


def run(**states: str) -> RunStates:
    return RunStates(states, ORDER, MAPPED)


def failed(*names: str, **others: str) -> RunStates:
    return run(**{**dict.fromkeys(names, "failed"), **others})


def asked(notes: dict[Any, str]) -> Any:
    """Return a task instance to which the failed tasks have left notes."""

    def pull(task_ids: str, key: str, map_indexes: int | None = None) -> Any:
        step = notes.get(task_ids if map_indexes is None else (task_ids, map_indexes))
        return {"to_do": step, "billed": "Nothing."} if step and key == "failure" else None

    return SimpleNamespace(xcom_pull=pull)


class TestNames:
    @pytest.mark.parametrize(
        ("numbers", "total", "name"),
        [
            ((), 1, "synthesize"),
            ((0,), 1, "synthesize[0]"),
            ((0, 1, 10), 20, "synthesize[0], synthesize[1], synthesize[10]"),
            ((0, 1), 2, "synthesize (2 of 2)"),
            (tuple(range(20)), 20, "synthesize (20 of 20)"),
            (tuple(range(6)), 20, "synthesize (6 of 20)"),
            (tuple(range(5)), 6, ", ".join(f"synthesize[{number}]" for number in range(5))),
        ],
    )
    def test_instances_are_named_as_airflow_shows_them(self, numbers: Any, total: int, name: str) -> None:
        assert str(TaskGroupOfState("synthesize", numbers, total)) == name

    def test_tasks_are_in_the_order_of_the_pipeline_and_instances_in_the_order_of_their_numbers(self) -> None:
        names = [f"synthesize_{number}" for number in (10, 2, 0)]
        states = failed("judge.a_0", "judge.b_0", *names, synthesize_1="success")
        assert [str(part) for part in states.failed] == [
            "synthesize[0], synthesize[2], synthesize[10]",
            "judge.b[0]",
            "judge.a[0]",
        ]

    def test_a_mapped_task_that_could_not_be_expanded_has_no_number(self) -> None:
        assert [str(part) for part in failed("synthesize").failed] == ["synthesize"]

    def test_tasks_that_still_run_are_named_without_outcome(self) -> None:
        states = run(synthesize_0="failed", synthesize_1="running", synthesize_2="deferred", outcome="running")
        assert [str(part) for part in states.running] == ["synthesize[1], synthesize[2]"]


class TestOrder:
    def test_what_stops_the_billing_comes_first_and_no_second_endpoint_is_offered(self) -> None:
        notes = {
            "tuned.in_service": "Clear tuned.provision with downstream, which buys a new one.",
            "tuned.release": "Allow the deletion. Then clear tuned.release with downstream.",
        }
        states = failed("tuned.in_service", "tuned.release", **{"tuned.provision": "success"})
        assert next_steps(states, asked(notes)) == (
            "Allow the deletion. Then clear tuned.release with downstream. After that, outcome runs again and says what"
            " to do about tuned.in_service."
        )

    @pytest.mark.parametrize("state", ["failed", "upstream_failed", "skipped"])
    @pytest.mark.parametrize("task", ["tuned.provision", "tuned.in_service", "tuned.answer_3"])
    def test_no_task_of_the_arm_is_to_be_cleared_before_release(self, task: str, state: str) -> None:
        states = failed(task, **{"tuned.provision": "failed", "tuned.release": state, "judge.a_0": "failed"})
        text = next_steps(states, asked({task: "Buy.", ("tuned.answer", 3): "Buy."}))
        assert text.startswith(
            "In this order: (1) For tuned.release: Clear tuned.release with downstream. (2) For judge.a"
        )
        assert "Buy" not in text
        assert "provision, which" not in text
        assert text.endswith(".")

    def test_after_release_has_succeeded_the_endpoint_is_offered(self) -> None:
        states = failed("tuned.in_service", **{"tuned.provision": "success", "tuned.release": "success"})
        assert next_steps(states, asked({"tuned.in_service": "Buy."})) == "Buy."

    def test_an_arm_that_never_had_an_endpoint_holds_nothing_back(self) -> None:
        states = failed("tuned.submit", **{"tuned.provision": "upstream_failed", "tuned.release": "upstream_failed"})
        assert next_steps(states, asked({"tuned.submit": "Correct the data."})) == "Correct the data."

    def test_the_steps_follow_the_pipeline_and_each_is_named_once(self) -> None:
        notes = {"curate": "Lower the limit.", **{("judge.a", n): "Wait." for n in (0, 1)}, ("judge.b", 0): "Wait."}
        states = failed("judge.a_0", "judge.a_1", "judge.b_0", "curate")
        assert next_steps(states, asked(notes)) == (
            "In this order: (1) For curate: Lower the limit. (2) For judge.b[0], judge.a (2 of 2): Wait."
        )

    def test_instances_with_different_steps_are_named_apart(self) -> None:
        states = failed("synthesize_0", "synthesize_1", synthesize_2="success")
        notes = {("synthesize", 0): "Wait.", ("synthesize", 1): "Change the prompt."}
        text = next_steps(states, asked(notes))
        assert text == "In this order: (1) For synthesize[0]: Wait. (2) For synthesize[1]: Change the prompt."


def test_tasks_without_a_note_are_named() -> None:
    states = failed("curate", "synthesize_0", "synthesize_1", "report")
    silent = without_note(states, asked({("synthesize", 0): "Wait.", "report": "Wait."}))
    assert [str(part) for part in silent] == ["synthesize[1]", "curate"]


def test_for_a_marked_task_whose_job_was_stopped_the_task_that_submits_it_is_named() -> None:
    states = failed("tuned.trained")
    text = next_steps(states, asked({}), resubmitted_by={"tuned.trained": "tuned.submit"})
    assert text == "Clear tuned.submit with downstream, which buys the next attempt if the job was stopped."
    noted = next_steps(states, asked({"tuned.trained": "Wait."}), resubmitted_by={"tuned.trained": "tuned.submit"})
    assert noted == "Wait."


class TestSkipped:
    UPSTREAM: ClassVar = {
        "base.answer": ["curate"], "tuned.provision": ["curate"], "judge.a": ["base.answer", "tuned.answer"],
        "tuned.answer": ["tuned.provision"], "report": ["judge.a"],
    }  # fmt: skip

    def steps(self, states: dict[str, str], **resubmitted_by: str) -> str:
        parts = RunStates(states, ORDER, MAPPED, self.UPSTREAM)
        return steps_after_skips(
            parts, ("promote",), {task.replace("_", "."): by for task, by in resubmitted_by.items()}
        )

    def test_the_first_skipped_tasks_are_named_and_not_those_that_clearing_them_clears(self) -> None:
        later = {"judge.a": "skipped", "report": "skipped", "tuned.answer": "skipped", "promote": "skipped"}
        states = {"curate": "success", "base.answer_0": "skipped", "tuned.provision": "skipped", **later}
        text = "Clear tuned.provision, base.answer[0] with downstream, which runs the tasks that were skipped."
        assert self.steps(states) == text

    def test_for_a_skipped_wait_whose_job_was_stopped_the_task_that_submits_it_is_named(self) -> None:
        """Clearing the wait would find the stopped job and fail."""
        states = {"tuned.submit": "success", "tuned.trained": "skipped", "base.answer_0": "skipped"}
        assert self.steps(states, tuned_trained="tuned.submit") == (
            "Clear tuned.submit with downstream, which buys the next attempt if the job was stopped. Clear"
            " base.answer[0] with downstream, which runs the tasks that were skipped."
        )

    def test_an_arm_whose_endpoint_was_not_deleted_is_left_out(self) -> None:
        states = {"tuned.provision": "success", "tuned.answer": "skipped", "tuned.release": "failed"}
        assert self.steps(states) == ""
