"""Test the values of the labeling DAG's trigger form."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import InputError
from include.distill.labeling.label_params import ASK_WORKERS, LabelParams, parse_label_params, require_workers
from include.distill.stats.agreement import MINIMUM_RATED
from include.distill.stats.intervals import wilson_interval
from tests.distill.conftest import make_use_case

FLOW = "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/raters"


def test_the_intervals_in_the_description_of_the_form_are_correct() -> None:
    description = str(LabelParams.model_fields["examples"].description)
    for agreed, asked in ((35, 50), (70, 100)):
        low, high = wilson_interval(agreed, asked) or (0, 0)
        assert f"{100 * low:.0f} " in description
        assert f"{100 * high:.0f} %" in description


def test_the_default_number_of_examples_is_enough_to_compute_kappa() -> None:
    assert parse_label_params({}, "docs").examples >= MINIMUM_RATED


def test_empty_fields_have_their_defaults() -> None:
    choice = parse_label_params({"run_key": "", "labeller": None, "examples": 5}, "docs")
    assert (choice.run_key, choice.labeller, choice.examples) == (None, None, 5)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        pytest.param({"how": "read a labelled sheet"}, r"'Labeler' \(labeller\)", id="a sheet without a labeler"),
        pytest.param({"candidate": "a"}, r"'Candidate' \(candidate\) and 'Baseline' \(baseline\)", id="no baseline"),
        pytest.param({"run_key": "../x"}, r"'Run' \(run_key\) is '../x': a run key has", id="a path"),
        pytest.param(
            {"labeller": "Ada L."},
            r"'Labeler' \(labeller\) is 'Ada L\.': a name has at most 40 characters: .* such as ada-lovelace",
            id="a full name",
        ),
        pytest.param({"labeller": 41 * "a"}, "at most 40 characters", id="a long name"),
        pytest.param({"labeller": "Ada/.."}, "labeller", id="a labeler that is a path"),
        pytest.param(
            {"examples": 0}, r"'Examples' \(examples\) is 0: expected a whole number from 1 to", id="zero examples"
        ),
        pytest.param(
            {"how": "by mail"},
            r"'How' \(how\) is 'by mail': expected 'ask in Airflow', 'write the sheet only'",
            id="another way",
        ),
    ],
)
def test_wrong_values_are_refused_with_their_field(params: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_label_params(params, "docs")


@pytest.mark.parametrize("named", [{}, {"use_case": "docs"}, {"use_case": None}, {"use_case": ""}])
def test_the_conf_may_name_the_use_case_of_the_dag(named: dict[str, Any]) -> None:
    assert parse_label_params({**named, "examples": 5}, "docs").examples == 5


@pytest.mark.parametrize("named", ["payroll", "Docs", "docs ", "../docs", ["docs"], {"name": "docs"}, 1, True])
def test_a_conf_that_names_another_use_case_is_refused(named: Any) -> None:
    with pytest.raises(InputError, match="labels only runs of docs, but `conf` names another use case"):
        parse_label_params({"use_case": named}, "docs")


@pytest.mark.parametrize(("key", "nearest"), [("example", "examples"), ("Hours", "hours"), ("labeler", "labeller")])
def test_an_unknown_key_is_refused_with_the_nearest_known_key(key: str, nearest: str) -> None:
    with pytest.raises(InputError, match=rf"'{key}' \(did you mean '{nearest}'\?\).*No label was requested or stored"):
        parse_label_params({key: 2}, "docs")


def test_workers_are_asked_only_if_the_use_case_names_workers() -> None:
    choice = parse_label_params({"how": ASK_WORKERS}, "docs")
    with pytest.raises(InputError, match=r"'How' \(how\) is 'ask workers through Bedrock', but .* names no workers"):
        require_workers(choice, make_use_case(evaluations={"human": {"flow_definition_arn": ""}}))
    require_workers(choice, make_use_case(evaluations={"human": {"flow_definition_arn": FLOW}}))
    require_workers(parse_label_params({}, "docs"), make_use_case())
