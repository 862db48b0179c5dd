from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Param
from airflow.sdk.definitions.param import ParamsDict

from bedrock_distill.run.configuration import configuration_of


def context(params: Any, conf: Any) -> Any:
    return {"params": params, "dag_run": SimpleNamespace(conf=conf)}


def test_the_configuration_adds_keys_that_airflow_does_not_know() -> None:
    assert configuration_of(context({"documents": 10}, {"documnts": 20})) == {"documents": 10, "documnts": 20}


@pytest.mark.parametrize("value", [20, 0, "", False, None])
def test_a_value_of_the_run_replaces_the_default(value: object) -> None:
    """Airflow leaves the default if ``dag_run_conf_overrides_params`` is not set."""
    assert configuration_of(context({"documents": 10, "pairs": 2}, {"documents": value})) == {
        "documents": value,
        "pairs": 2,
    }


@pytest.mark.parametrize("conf", [None, {}, [], "text", 7])
def test_a_run_without_a_configuration_has_the_parameters(conf: object) -> None:
    assert configuration_of(context({"documents": 10}, conf)) == {"documents": 10}


def test_a_task_without_a_run_or_parameters_has_no_configuration() -> None:
    nothing: Any = {}
    assert configuration_of(nothing) == {}
    assert configuration_of({**nothing, "dag_run": None}) == {}
    assert configuration_of({**nothing, "dag_run": SimpleNamespace(conf={"x": 1})}) == {"x": 1}


def test_the_values_of_airflows_parameters_are_returned_not_their_definitions() -> None:
    params = ParamsDict({"documents": Param(10, type="integer", minimum=1), "pairs": 2})
    assert configuration_of(context(params, {"more": [1]})) == {"documents": 10, "pairs": 2, "more": [1]}


def test_neither_source_is_changed() -> None:
    params, conf = {"documents": 10}, {"documents": 20}
    configuration_of(context(params, conf))["documents"] = 30
    assert (params, conf) == ({"documents": 10}, {"documents": 20})
