from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from include.distill.core.errors import ServiceError, ThrottledError, TransientError
from include.distill.inference.call_progress import CallProgress
from tests.fakes.clock import Clock


@pytest.fixture
def progress(clock: Clock) -> CallProgress:
    return CallProgress(500, clock)


NOTHING = "0 of about 500 answers so far (new calls that were answered: 0)."
THROTTLED, LOST = ThrottledError("slow down"), TransientError("connection lost")


def test_a_task_that_has_just_started_has_no_answers(progress: CallProgress) -> None:
    assert progress.describe() == NOTHING


def test_stored_answers_are_no_new_calls(progress: CallProgress) -> None:
    for _ in range(3):
        progress.record_answer()
    progress.record_success()
    assert progress.describe() == "3 of about 500 answers so far (new calls that were answered: 1)."


def test_more_calls_than_answers_do_not_contradict_each_other(progress: CallProgress) -> None:
    """The calls of a second budget answer no request of the task, and a call is answered before its answer is kept."""
    progress.record_success()
    text = progress.describe()
    assert text == "0 of about 500 answers so far (new calls that were answered: 1)."


@pytest.mark.parametrize(
    ("error", "problem", "last"),
    [
        (THROTTLED, "Bedrock has throttled", ""),
        (LOST, "Bedrock has failed to answer", " The last error: connection lost."),
    ],
)
def test_the_first_failure_is_the_start(
    error: ServiceError, problem: str, last: str, progress: CallProgress, clock: Clock
) -> None:
    progress.record_failure(error)
    assert progress.describe() == f"{NOTHING} {problem} every call for 0 s (calls: 1).{last}"
    clock.now += 351
    progress.record_failure(error)
    clock.now += 1
    assert progress.describe() == f"{NOTHING} {problem} every call for 352 s (calls: 2).{last}"


@pytest.mark.parametrize("failures", [(LOST, THROTTLED), (THROTTLED, LOST), (THROTTLED, LOST, THROTTLED)])
def test_only_calls_that_were_all_throttled_are_called_throttled(
    failures: tuple[ServiceError, ...], progress: CallProgress
) -> None:
    for error in failures:
        progress.record_failure(error)
    assert f"Bedrock has failed to answer every call for 0 s (calls: {len(failures)})." in progress.describe()


def test_an_answer_of_the_model_ends_the_failures(progress: CallProgress, clock: Clock) -> None:
    progress.record_failure(LOST)
    clock.now += 60
    progress.record_success()
    assert progress.describe() == "0 of about 500 answers so far (new calls that were answered: 1)."
    clock.now += 60
    progress.record_failure(THROTTLED)
    clock.now += 5
    assert progress.describe().endswith("Bedrock has throttled every call for 5 s (calls: 1).")


def test_a_stored_answer_does_not_end_the_failures(progress: CallProgress, clock: Clock) -> None:
    progress.record_failure(THROTTLED)
    clock.now += 7
    progress.record_answer()
    assert "Bedrock has throttled every call for 7 s" in progress.describe()


def test_no_count_of_any_thread_is_lost(progress: CallProgress) -> None:
    def work(_: int) -> str:
        progress.record_answer()
        progress.record_success()
        return progress.describe()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(2000)))
    assert progress.describe() == "2000 of about 500 answers so far (new calls that were answered: 2000)."
