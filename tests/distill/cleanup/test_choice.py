from __future__ import annotations

from typing import Any

import pytest

from include.distill.cleanup.choice import CleanUpChoice, parse_clean_up_choice
from include.distill.core.errors import InputError


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(
            {"dryrun": False},
            r"'dryrun' \(did you mean 'dry_run'\?\).*Nothing was deleted.*Trigger distill_clean_up again",
            id="misspelt",
        ),
        pytest.param({"older_than_days": -1}, "older_than_days", id="out of range"),
    ],
)
def test_a_wrong_value_of_the_form_is_refused(raw: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        parse_clean_up_choice(raw)


def test_by_default_nothing_is_deleted() -> None:
    choice = parse_clean_up_choice({})
    assert choice.dry_run
    assert (choice.datasets, choice.paid_answers, choice.include_unexpired) == (False, False, False)
    assert choice.named_buckets == frozenset()


@pytest.mark.parametrize(("use_case", "wanted"), [("all", True), ("docs", True), ("faq", False)])
def test_the_resources_of_a_use_case_are_included_when_that_use_case_or_all_use_cases_were_chosen(
    use_case: str, wanted: bool
) -> None:
    assert CleanUpChoice(use_case=use_case).wants("docs") is wanted
