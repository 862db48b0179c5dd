from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.distill.config.job_settings import JobSettings, check_metric_name, check_variables

NEEDED, KNOWN = ("prompt", "response"), ("prompt", "response", "reference")


@pytest.mark.parametrize(
    "text",
    ["{{prompt}} {{response}}", "{{ prompt }}{{\nresponse\n}} {{reference}}", "{prompt} {{prompt}} {{response}} }}"],
)
def test_a_text_with_the_needed_variables_is_returned_unchanged(text: str) -> None:
    assert check_variables(text, needed=NEEDED, known=KNOWN) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Rate it.", "found no {{prompt}} and no {{response}}; expected a text that contains {{prompt}} and"),
        ("{prompt} {{response}}", "found no {{prompt}}; expected a text that contains {{prompt}} and {{response}}"),
        ("{{prompt}} {{response}} {{refrence}}", "found {{refrence}}, which Bedrock does not fill in; expected only"),
        ("{{prompt}} {{response}} {{}}", "found {{}}, which"),
        ("{{prompt}} {{response}} {{prompt", "found {{ without }}; expected only {{prompt}}, {{response}}, {{"),
        ("{{prompt}} {{response}} {{a}} {{b}} {{c}} {{d}}", "found {{a}}, {{b}}, {{c}}, which"),
        ("{{prompt}} {{response}} {{" + "x" * 60 + "}}", "found {{" + "x" * 40 + "}}, which"),
    ],
)
def test_a_text_with_a_missing_or_an_unknown_variable_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match="found") as error:
        check_variables(text, needed=NEEDED, known=KNOWN)
    assert problem in str(error.value)


def test_the_name_of_a_metric_must_not_look_like_one_of_bedrocks() -> None:
    assert check_metric_name("grounded.Builtin.x") == "grounded.Builtin.x"
    with pytest.raises(ValueError, match=r"found 'BUILTIN\.x', which begins like"):
        check_metric_name("BUILTIN.x")


@pytest.mark.parametrize("values", [{"max_attempts": 0}, {"max_attempts": 10}, {"poll_interval_seconds": 0}])
def test_a_job_is_attempted_and_polled_within_limits(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JobSettings(**values)


def test_a_job_that_no_task_waits_for_is_stopped_by_default() -> None:
    assert JobSettings() == JobSettings(max_attempts=3, stop_when_marked_failed=True, poll_interval_seconds=60)
