from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.evaluation_settings import BUILT_IN_METRICS, HumanEvaluation
from include.distill.config.partitions import partition_of
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import make_use_case
from tools.aws_simulator.models.evaluator import built_in_metrics

SCALE = [{"definition": "no", "value": 0}, {"definition": "yes", "value": 1}]
GROUNDED = {"name": "grounded", "instructions": "Rate {{ prediction }} for {{prompt}}.", "rating_scale": SCALE}
FLOW = "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/people"


def metric(**changes: Any) -> dict[str, Any]:
    return {"custom_metrics": [{**GROUNDED, **changes}]}


def pointwise(**changes: Any) -> dict[str, Any]:
    return {"pointwise": {"evaluators": ["nova-pro"], **changes}}


def test_without_the_section_there_are_no_evaluation_jobs() -> None:
    use_case = make_use_case()
    assert (use_case.evaluations.pointwise, use_case.evaluations.human) == (None, None)
    assert (use_case.scored_arms, use_case.evaluators) == ((), ())


def test_evaluators_are_found_by_key_or_id_and_all_arms_are_scored() -> None:
    use_case = make_use_case(evaluations=pointwise(evaluators=["us.amazon.nova-pro-v1:0"]))
    assert (use_case.evaluators, use_case.scored_arms) == (("nova-pro",), ("base", "tuned"))
    assert make_use_case(evaluations=pointwise(arms=["tuned"])).scored_arms == ("tuned",)


def test_the_metrics_of_the_report_are_the_built_in_ones_then_the_custom_ones() -> None:
    section = make_use_case(evaluations=pointwise(metrics=["Builtin.Refusal"], **metric())).evaluations.pointwise
    assert section is not None
    assert section.metric_names == ("Builtin.Refusal", "grounded")


def test_the_simulator_rates_the_same_built_in_metrics() -> None:
    assert built_in_metrics() == set(BUILT_IN_METRICS)


def test_a_human_evaluation_needs_a_flow_definition() -> None:
    human = make_use_case(evaluations={"human": {"flow_definition_arn": FLOW}}).evaluations.human
    assert human is not None
    assert human.wait_days == 14


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        pytest.param(pointwise(evaluators=[]), r"evaluators: found \[\], expected a list of 1 to 5", id="no evaluator"),
        pytest.param(pointwise(evaluators=["nova-pr"]), "Unknown model 'nova-pr'.*nova-pro", id="unknown evaluator"),
        pytest.param(
            pointwise(evaluators=["mistral-large-3"]),
            r"does not accept mistral-large-3 as evaluator of built-in metrics; expected one of .*nova-pro",
            id="not an evaluator",
        ),
        pytest.param(
            pointwise(evaluators=["llama-3-3-70b"]), "llama-3-3-70b as evaluator of built-in", id="custom metrics only"
        ),
        pytest.param(
            pointwise(evaluators=["nova-pro", "us.amazon.nova-pro-v1:0"]),
            r"pointwise\.evaluators\.1: found 'us\.amazon\.nova-pro-v1:0', which is nova-pro again",
            id="twice",
        ),
        pytest.param(
            pointwise(metrics=["Builtin.Truth"]), "metrics.0: .*expected one of Builtin.Corr", id="unknown metric"
        ),
        pytest.param(pointwise(metrics=[]), "have 0 metrics together, expected 1 to 25", id="no metric"),
        pytest.param(
            pointwise(metrics=["Builtin.Refusal", "Builtin.Refusal"]),
            r"pointwise\.metrics\.1: found 'Builtin\.Refusal' again; expected a different entry",
            id="repeated",
        ),
        pytest.param(
            pointwise(arms=["tunde"]),
            r"pointwise\.arms\.0: found the unknown arm 'tunde'; expected one of",
            id="unknown arm",
        ),
        pytest.param(pointwise(arms=["tuned", "base", "tuned"]), r"arms\.2: found 'tuned' again", id="an arm twice"),
        pytest.param(
            pointwise(custom_metrics=[GROUNDED, {**GROUNDED, "name": "Grounded"}]),
            r"custom_metrics\.1\.name: found 'Grounded' in addition to 'grounded'; expected a different name",
            id="names that differ only in case",
        ),
        pytest.param(pointwise(custom_metrics=[GROUNDED, GROUNDED]), r"\.1\.name: .* again", id="a metric twice"),
        pytest.param(pointwise(**metric(name="builtin.mine")), "expected another name", id="a built-in name, small"),
        pytest.param(
            pointwise(**metric(rating_scale=[SCALE[0], {"definition": " NO ", "value": 2}])),
            r"rating_scale\.1\.definition: found ' NO ' in addition to 'no'; expected a different definition",
            id="one definition twice",
        ),
        pytest.param(
            pointwise(questions=1001), "found 1001, expected a whole number from 1 to 1,000", id="too many questions"
        ),
        pytest.param(pointwise(**metric(name="Builtin.Mine")), "expected another name", id="a built-in name"),
        pytest.param(pointwise(**metric(name="two words")), "custom_metrics.0.name", id="a name with a space"),
        pytest.param(pointwise(**metric(instructions="Rate it.")), "found no {{prompt}} and no {{pred", id="variables"),
        pytest.param(
            pointwise(**metric(instructions="{{prompt}} {{prediction}} {{ground_thruth}}")),
            r"found {{ground_thruth}}, which Bedrock does not fill in; expected only {{prompt}}, {{prediction}}, {{gro",
            id="a misspelled variable",
        ),
        pytest.param(
            pointwise(**metric(instructions="{{pro mpt}} {{prediction}}")), "found no {{prompt}}; ", id="a space"
        ),
        pytest.param(pointwise(arms=[]), "evaluations.pointwise.arms", id="no arm"),
        pytest.param(pointwise(**metric(instructions="x" * 5001)), "at most 5,000", id="long instructions"),
        pytest.param(pointwise(**metric(rating_scale=SCALE[:1])), "expected a list of 2 to 10 map", id="one rating"),
        pytest.param(
            pointwise(**metric(rating_scale=[SCALE[0]] * 2)), r"\.1\.value: .*a different value", id="equal ratings"
        ),
        pytest.param(
            pointwise(**metric(rating_scale=[SCALE[0], {"definition": "y", "value": "good"}])),
            "rating_scale.1.value",
            id="a text",
        ),
        pytest.param(
            pointwise(custom_metrics=[{**GROUNDED, "name": f"m{number}"} for number in range(11)]),
            "expected a list of at most 10 mappings",
            id="too many custom metrics",
        ),
        pytest.param({"human": {"flow_definition_arn": "people"}}, "human.flow_definition_arn", id="no ARN"),
        pytest.param({"human": {"flow_definition_arn": f"{FLOW} "}}, "human.flow_definition_arn", id="a space"),
        pytest.param({"human": {"flow_definition_arn": f"{FLOW}/1"}}, "human.flow_definition_arn", id="no name"),
        pytest.param(
            {"human": {"flow_definition_arn": FLOW.replace("us-east-1", "eu-west-1")}},
            r"human\.flow_definition_arn: found '.*', a flow definition in eu-west-1, but aws\.region is us-east-1.*"
            r"expected an ARN that begins with arn:aws:sagemaker:us-east-1:\. Create the flow definition in us-east-1",
            id="another Region",
        ),
    ],
)
def test_a_section_that_bedrock_would_refuse_is_refused(section: dict[str, Any], problem: str) -> None:
    with pytest.raises(UseCaseError, match=problem):
        make_use_case(evaluations=section)


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-east-1", "aws-cn"),
        ("us-east-1", "aws-us-gov"),
        ("us-gov-west-1", "aws"),
        ("cn-north-1", "aws"),
        ("cn-north-1", "aws-us-gov"),
    ],
)
def test_a_flow_definition_in_the_partition_of_other_regions_is_refused(region: str, partition: str) -> None:
    arn = FLOW.replace("us-east-1", region).replace("arn:aws:", f"arn:{partition}:")
    right = partition_of(region)
    found = HumanEvaluation(flow_definition_arn=arn).region_problem(region) or ""
    assert found.startswith(f"found '{arn}', but {region} is a Region of the partition {right}, not of {partition}; ")
    assert f"begins with arn:{right}:sagemaker:{region}:." in found
    right_arn = arn.replace(f"arn:{partition}:", f"arn:{right}:")
    assert HumanEvaluation(flow_definition_arn=right_arn).region_problem(region) is None


def test_the_arn_that_is_expected_in_another_region_has_the_partition_of_that_region() -> None:
    arn = FLOW.replace("us-east-1", "cn-north-1").replace("arn:aws:", "arn:aws-cn:")
    found = HumanEvaluation(flow_definition_arn=arn).region_problem("us-east-1") or ""
    assert "a flow definition in cn-north-1, but aws.region is us-east-1" in found
    assert "expected an ARN that begins with arn:aws:sagemaker:us-east-1:." in found


def test_an_evaluator_of_custom_metrics_only_is_accepted_without_built_in_metrics() -> None:
    section = pointwise(evaluators=["llama-3-3-70b"], metrics=[], **metric())
    assert make_use_case(evaluations=section).evaluators == ("llama-3-3-70b",)


@pytest.mark.parametrize(
    ("section", "workers"),
    [
        ({}, None),
        ({"human": {}}, None),
        ({"human": {"flow_definition_arn": ""}}, None),
        ({"human": {"flow_definition_arn": FLOW}}, FLOW),
    ],
)
def test_workers_can_be_asked_only_if_a_flow_definition_names_them(
    section: dict[str, Any], workers: str | None
) -> None:
    human = make_use_case(evaluations=section).human_workers
    assert (human.flow_definition_arn if human else None) == workers


@pytest.mark.parametrize(
    "wrong", [{"workers": 4}, {"workers": 0}, {"instructions": "x" * 4_001}, {"instructions": " "}, {"wait_days": 0}]
)
def test_settings_that_bedrock_would_refuse_for_workers_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UseCaseError, match=rf"human\.{next(iter(wrong))}"):
        make_use_case(evaluations={"human": {"flow_definition_arn": FLOW, **wrong}})
