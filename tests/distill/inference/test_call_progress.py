from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from include.distill.core.errors import ServiceError, ThrottledError, TransientError
from include.distill.inference.call_progress import CallCounts, CallProgress
from tests.fakes.clock import Clock


@pytest.fixture
def progress(clock: Clock) -> CallProgress:
    return CallProgress(clock)


THROTTLED, LOST = ThrottledError("slow down"), TransientError("connection lost")


def test_a_task_that_has_just_started_has_no_answers(progress: CallProgress) -> None:
    assert progress.counts == CallCounts(0, 0, 0)
    assert progress.describe_failures() == ""


def test_stored_answers_are_no_new_calls(progress: CallProgress) -> None:
    for _ in range(3):
        progress.record_answer(is_new=False)
    progress.record_answer(is_new=True)
    assert progress.counts == CallCounts(0, asked=1, stored=3)


def test_a_row_is_counted_once_it_has_all_its_answers(progress: CallProgress) -> None:
    work = progress.counting_rows(lambda row: 10 // row)
    assert work(5) == 2
    with pytest.raises(ZeroDivisionError):
        work(0)
    assert progress.counts.rows_done == 1


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
    assert progress.describe_failures() == f"{problem} every call for 0 s (calls: 1).{last}"
    clock.now += 351
    progress.record_failure(error)
    clock.now += 1
    assert progress.describe_failures() == f"{problem} every call for 352 s (calls: 2).{last}"


@pytest.mark.parametrize("failures", [(LOST, THROTTLED), (THROTTLED, LOST), (THROTTLED, LOST, THROTTLED)])
def test_only_calls_that_were_all_throttled_are_called_throttled(
    failures: tuple[ServiceError, ...], progress: CallProgress
) -> None:
    for error in failures:
        progress.record_failure(error)
    text = progress.describe_failures()
    assert f"Bedrock has failed to answer every call for 0 s (calls: {len(failures)})." in text


def test_an_answer_of_the_model_ends_the_failures(progress: CallProgress, clock: Clock) -> None:
    progress.record_failure(LOST)
    clock.now += 60
    progress.record_success()
    assert progress.describe_failures() == ""
    clock.now += 60
    progress.record_failure(THROTTLED)
    clock.now += 5
    assert progress.describe_failures() == "Bedrock has throttled every call for 5 s (calls: 1)."


def test_a_stored_answer_does_not_end_the_failures(progress: CallProgress, clock: Clock) -> None:
    progress.record_failure(THROTTLED)
    clock.now += 7
    progress.record_answer(is_new=False)
    assert "Bedrock has throttled every call for 7 s" in progress.describe_failures()


def test_no_count_of_any_thread_is_lost(progress: CallProgress) -> None:
    def work(number: int) -> int:
        progress.record_answer(is_new=number % 2 == 0)
        progress.record_success()
        return number

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(progress.counting_rows(work), range(2000)))
    assert progress.counts == CallCounts(2000, 1000, 1000)
