from __future__ import annotations

from types import SimpleNamespace

import pytest

from bedrock_distill.run.attempts import attempt_text


def text(number: int, max_tries: int, retries: int | None) -> str:
    return attempt_text(SimpleNamespace(try_number=number, max_tries=max_tries), retries)


@pytest.mark.parametrize(
    ("number", "max_tries", "retries", "expected"),
    [
        (1, 0, 0, "attempt 1 of 1"),
        (2, 2, 2, "attempt 2 of 3"),
        (3, 2, 2, "attempt 3 of 3"),
        # A person cleared the task after its third and after its first attempt. Airflow's maximum is then 3 + 2 and 1.
        (4, 5, 2, "attempt 4 (1 of 3 since a person started the task again)"),
        (6, 5, 2, "attempt 6 (3 of 3 since a person started the task again)"),
        (2, 1, 0, "attempt 2 (1 of 1 since a person started the task again)"),
        # The scheduler was restarted twice while the task was queued.
        (3, 0, 0, "attempt 3 (Airflow planned 1, and started the task again after an interruption)"),
        (2, 0, 0, "attempt 2 (Airflow planned 1, and started the task again after an interruption)"),
        # The number of retries is not known, or was changed after the run had started.
        (4, 5, None, "attempt 4 of 6"),
        (1, 2, 0, "attempt 1 of 3"),
        (1, 2, 5, "attempt 1 of 3"),
    ],
)
def test_the_attempt_is_stated_as_it_was_planned(
    number: int, max_tries: int, retries: int | None, expected: str
) -> None:
    assert text(number, max_tries, retries) == expected


def test_a_task_instance_without_numbers_is_in_its_first_attempt() -> None:
    assert attempt_text(object(), None) == "attempt 1 of 1"
