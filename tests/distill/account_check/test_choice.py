from __future__ import annotations

import pytest

from include.distill.account_check.choice import parse_check_choice
from include.distill.core.errors import InputError


@pytest.mark.parametrize(("raw", "name"), [({}, None), ({"use_case": "all"}, None), ({"use_case": "mine"}, "mine")])
def test_all_use_cases_are_chosen_unless_the_form_names_one(raw: dict[str, object], name: str | None) -> None:
    assert parse_check_choice(raw).name == name


@pytest.mark.parametrize("raw", [{"use_cases": "mine"}, {"use_case": 3}])
def test_an_unknown_key_or_a_wrong_value_is_refused_and_nothing_is_checked(raw: dict[str, object]) -> None:
    with pytest.raises(InputError, match="Nothing was checked, bought or changed"):
        parse_check_choice(raw)
