from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.distill.config.promotion_rule import Promotion


def promotion(*approvers: Any, ask_a_person: bool = True) -> Promotion:
    return Promotion.model_validate({"ask_a_person": ask_a_person, "approvers": list(approvers)})


@pytest.mark.parametrize(
    ("approver", "user"),
    [
        pytest.param("ada", ("ada", "ada"), id="id"),
        pytest.param(17, ("17", "17"), id="number"),
        pytest.param({"id": "1", "name": "Ada"}, ("1", "Ada"), id="id and name"),
        pytest.param({"id": 17}, ("17", "17"), id="number without name"),
    ],
)
def test_an_approver_has_an_id_and_a_name(approver: Any, user: tuple[str, str]) -> None:
    (read,) = promotion(approver).approvers
    assert (read.id, read.name) == user


@pytest.mark.parametrize("approver", ["", " ", True, None, {}, {"name": "Ada"}, {"id": ""}, {"id": "1", "role": "x"}])
def test_an_approver_without_an_id_is_refused(approver: Any) -> None:
    with pytest.raises(ValidationError):
        promotion(approver)


def test_approvers_who_are_not_asked_are_refused() -> None:
    assert promotion(ask_a_person=False).approvers == ()
    with pytest.raises(ValidationError, match="ask_a_person is false"):
        promotion("ada", ask_a_person=False)


def test_by_default_no_champion_is_served() -> None:
    assert (Promotion().serve, Promotion().smoke_prompts, Promotion().may_ask) == ("none", 5, False)


def test_provisioned_throughput_needs_a_person_so_approvers_may_be_listed() -> None:
    rule = Promotion.model_validate({"serve": "provisioned", "approvers": ["ada"]})
    assert (rule.ask_a_person, rule.may_ask) == (False, True)
    with pytest.raises(ValidationError, match="ask_a_person is false"):
        Promotion.model_validate({"serve": "on_demand", "approvers": ["ada"]})


@pytest.mark.parametrize("changes", [{"serve": "auto"}, {"smoke_prompts": 0}, {"smoke_prompts": 21}])
def test_an_impossible_standing_endpoint_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Promotion.model_validate(changes)
