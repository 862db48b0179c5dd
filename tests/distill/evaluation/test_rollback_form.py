from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import InputError
from include.distill.evaluation.rollback_form import parse_rollback_form


@pytest.mark.parametrize(
    ("given", "to"),
    [
        ({}, "previous"),
        ({"to": ""}, "previous"),
        ({"to": "  "}, "previous"),
        ({"to": None}, "previous"),
        ({"to": "current"}, "current"),
        ({"to": " arn:model/a\n"}, "arn:model/a"),
    ],
)
def test_an_empty_text_means_the_previous_champion(given: dict[str, Any], to: str) -> None:
    form = parse_rollback_form({"use_case": "docs", **given})
    assert (form.use_case, form.to) == ("docs", to)


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({}, "'Use case' (use_case)"),
        ({"use_case": ""}, "'Use case' (use_case)"),
        ({"use_case": 3}, "'Use case' (use_case) is 3"),
        ({"use_case": "docs", "to": 7}, "'Back to' (to) is 7"),
        ({"use_case": "docs", "to": "x" * 2049}, "'Back to' (to) is 'xxx"),
        ({"use_case": "docs", "too": "current"}, "'too' (did you mean 'to'?)"),
    ],
)
def test_a_wrong_value_is_refused_with_the_name_of_its_field(params: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_rollback_form(params)
    assert problem in caught.value.happened
    assert caught.value.left == "The champion and its endpoint are unchanged."
    assert "Trigger distill_rollback again" in caught.value.to_do
