"""Problems of several sections are reported under the key that has to change."""

from __future__ import annotations

import re
from typing import Any

import pytest

from include.distill.config.parsing import parse_use_case
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import make_use_case, raw_use_case

BASE = {"name": "base", "kind": "base"}
MANAGED = {"name": "managed", "kind": "distilled", "teacher": "nova-pro"}
TUNED_AND_BASE = {"candidate": "tuned", "baseline": "base"}
HUMAN = {"flow_definition_arn": "arn:aws:sagemaker:eu-west-1:123456789012:flow-definition/x"}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"arms": [BASE]}, "comparisons"),
        ({"comparisons": [{"candidate": "best", "baseline": "base"}]}, "comparisons.0.candidate"),
        ({"published": "article"}, "published"),
        ({"evaluations": {"human": HUMAN}}, "evaluations.human.flow_definition_arn"),
        ({"evaluations": {"pointwise": {"evaluators": ["nova-pro"], "arms": ["x"]}}}, "evaluations.pointwise.arms.0"),
        ({"arms": [BASE, {"name": "a", "originals": 1, "synthetic": 4}]}, "arms.1.synthetic"),
        ({"arms": [BASE, {"name": "a", "originals": 9}], "source": {"training_csv": "t", "documents": 8}},
         "arms.1.originals"),
        ({"arms": [BASE, {**MANAGED, "originals": 15_001}]}, "arms.1.originals"),
        ({"arms": [BASE, {**MANAGED, "originals": 15_000, "synthetic": 1}]}, "arms.1.originals"),
        ({"arms": [BASE, {**MANAGED, "originals": 14_999, "synthetic": 2}]}, "arms.1.synthetic"),
        ({"arms": [BASE, {**MANAGED, "originals": 99}]}, "arms.1.originals"),
        ({"arms": [BASE, {**MANAGED, "teacher": "nova-lite"}]}, "arms.1.teacher"),
        ({"arms": [BASE, {"name": "managed", "kind": "distilled"}]}, "arms.1.teacher"),
        ({"arms": [BASE, {"name": "a", "synthetic": 0}], "training": {"method": "continued_pre_training"}},
         "training.method"),
        ({"student": "titan-text-lite", "training": {"method": "continued_pre_training"}}, "arms.1.synthetic"),
        ({"student": "llama-3-1-8b", "promotion": {"serve": "on_demand"}}, "promotion.serve"),
        ({"aws": {"region": "us-gov-west-1", "role_arn": "arn:aws:iam::123456789012:role/r"}}, "aws.role_arn"),
        ({"arms": [BASE, {**BASE, "name": "o", "prompt": "optimized"}], "aws": {
            "region": "us-gov-west-1", "role_arn": "arn:aws-us-gov:iam::123456789012:role/r"}}, "arms.1.prompt"),
    ],
)  # fmt: skip
def test_the_message_begins_with_the_key_that_has_to_change(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(UseCaseError) as raised:
        make_use_case(**changes)
    assert str(raised.value).startswith(f"test: {key}: ")


def test_the_problems_of_all_sections_are_reported_together() -> None:
    with pytest.raises(UseCaseError) as raised:
        make_use_case(published="article", arms=[BASE, {**MANAGED, "originals": 99}], evaluations={"human": HUMAN})
    keys = [text.split(": ")[0] for text in str(raised.value).removeprefix("test: ").split("; ") if ": " in text]
    assert {"published", "evaluations.human.flow_definition_arn", "arms.1.originals"} <= {*keys}


@pytest.mark.parametrize(
    ("documents", "sizes", "text"),
    [
        (
            200,
            {"originals": 20_000},
            "arms.1.originals: arm managed requests 20,000 originals, but source.documents is 200.",
        ),
        (16_000, {"originals": 20_000}, "arms.1.originals: .*expected originals: 15000 or less"),
        (200, {"originals": 200, "synthetic": 20_000}, "arms.1.synthetic: .* but 200 rows give at most 600"),
        (9_000, {"originals": 9_000, "synthetic": 30_000}, "arms.1.synthetic: .*expected synthetic: 6000 or less"),
    ],
)
def test_two_limits_for_one_number_give_one_message_with_the_smaller_limit(
    documents: int, sizes: dict[str, int], text: str
) -> None:
    with pytest.raises(UseCaseError) as raised:
        make_use_case(arms=[BASE, {**MANAGED, **sizes}], source={"training_csv": "t", "documents": documents})
    assert re.match(f"test: {text}", str(raised.value))
    assert str(raised.value).count("arms.1.") == 1
    assert (" or less" in str(raised.value)) is ("or less" in text)


@pytest.mark.parametrize(
    ("changes", "is_bought_for_nothing"),
    [
        ({}, False),
        ({"comparisons": [TUNED_AND_BASE, {"candidate": "tuned", "baseline": "prompted"}]}, False),
        ({"comparisons": [TUNED_AND_BASE]}, True),
        ({"comparisons": [TUNED_AND_BASE], "evaluations": {"pointwise": {"evaluators": ["nova-pro"]}}}, False),
        (
            {
                "comparisons": [TUNED_AND_BASE],
                "evaluations": {"pointwise": {"evaluators": ["nova-pro"], "arms": ["base"]}},
            },
            True,
        ),
    ],
)
def test_a_prompt_that_is_optimized_for_nothing_is_refused(
    changes: dict[str, Any], is_bought_for_nothing: bool
) -> None:
    arms = [BASE, {"name": "prompted", "kind": "base", "prompt": "optimized"}, {"name": "tuned"}]
    if not is_bought_for_nothing:
        assert make_use_case(arms=arms, **changes)
        return
    with pytest.raises(UseCaseError, match=r"^test: arms\.1\.prompt: arm prompted has prompt: optimized, but is in no"):
        make_use_case(arms=arms, **changes)


def test_a_value_with_an_unknown_variable_causes_no_second_problem() -> None:
    raw = raw_use_case(evaluations={"pointwise": {"evaluators": ["nova-pro"], "arms": ["${ARM}", "x"]}})
    with pytest.raises(UseCaseError) as raised:
        parse_use_case(raw, origin="test", unknown=["${ARM}"], other_problems=["ARM is not set"])
    assert str(raised.value).startswith("test: ARM is not set; evaluations.pointwise.arms.1: found the unknown arm 'x'")
    assert str(raised.value).count("unknown arm") == 1
