"""The history says what Bedrock had on a day, and covers every operation of the simulator."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.catalog.history import History, first_day, load_history, model_on
from tools.aws_simulator.protocol.specification import SERVICES, Specification
from tools.aws_simulator.server.operations_table import read_operations

ARTICLE = datetime.date(2025, 2, 12)  # the day of the blog post that this project follows


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def test_every_implemented_operation_has_a_first_day_and_no_other_has_one() -> None:
    operations = read_operations()
    implemented = {name for service in SERVICES for name in operations[service]}
    assert set(load_history().operations) == implemented


def test_a_source_must_be_listed() -> None:
    history = load_history().model_dump(by_alias=True)
    with pytest.raises(ValidationError, match="nowhere"):
        History.model_validate({**history, "features": {"batch": {"since": ARTICLE, "source": "nowhere"}}})


@pytest.mark.parametrize("member", load_history().members, ids=lambda member: f"{member.operation} {member.name}")
def test_every_younger_member_is_in_the_service_model_of_its_operation(member: Any) -> None:
    shape = Specification().operation(member.operation).input_shape
    for name in member.path.split("."):
        shape = shape.member if shape.type_name == "list" else shape
        shape = shape.members[name]
    assert member.value is None or member.value in shape.enum
    assert member.since > load_history().operations[member.operation].since


@pytest.mark.parametrize(
    ("operation", "last_day_without", "first_day"),
    [
        ("CountTokens", "2025-08-19", "2025-08-20"),
        ("CreateCustomModelDeployment", "2025-07-15", "2025-07-16"),
        ("CreateModelInvocationJob", "2024-08-18", "2024-08-19"),
        ("GetFoundationModelAvailability", "2025-06-23", "2025-06-24"),
    ],
)
def test_an_operation_exists_from_its_first_day_on(operation: str, last_day_without: str, first_day: str) -> None:
    history = load_history()
    assert not history.has_operation(operation, day(last_day_without))
    assert history.has_operation(operation, day(first_day))


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        pytest.param({"customizationType": "FINE_TUNING"}, None, id="an old value"),
        pytest.param({"customizationType": "DISTILLATION"}, "customizationType DISTILLATION", id="a younger value"),
        pytest.param({"customizationConfig": {}}, "customizationConfig", id="a younger member"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_a_younger_member_of_a_request_is_found(arguments: dict[str, Any], found: str | None) -> None:
    member = load_history().later_member("CreateModelCustomizationJob", arguments, day("2024-12-02"))
    assert (member.name if member else None) == found
    assert load_history().later_member("CreateModelCustomizationJob", arguments, ARTICLE) is None


def test_a_younger_member_is_found_in_a_list() -> None:
    models = [{"bedrockModel": {}}, {"precomputedInferenceSource": {"inferenceSourceIdentifier": "ours"}}]
    member = load_history().later_member("CreateEvaluationJob", {"inferenceConfig": {"models": models}}, ARTICLE)
    assert member
    assert member.name == "inferenceConfig.models.precomputedInferenceSource"
    human = {"inferenceConfig": {"models": models}, "evaluationConfig": {"human": {"datasetMetricConfigs": []}}}
    assert load_history().later_member("CreateEvaluationJob", human, ARTICLE) is None, "the README says so"


def test_a_model_does_not_exist_before_its_release() -> None:
    models = load_catalog().models
    assert model_on(models["claude-sonnet-5-5"], ARTICLE) is None
    assert model_on(models["claude-3-sonnet"], ARTICLE) == models["claude-3-sonnet"]
    assert model_on(models["claude-3-haiku"], ARTICLE) == models["claude-3-haiku"]


def test_a_model_can_be_customized_only_from_the_first_day_of_its_customization_on() -> None:
    haiku = load_catalog().models["claude-3-haiku"]
    before, after = (model_on(haiku, day(text)) for text in ("2024-10-31", "2024-11-01"))
    assert before
    assert before.customization is None
    assert after
    assert after.customization == haiku.customization


def test_a_model_can_do_only_what_bedrock_could_do_on_the_day() -> None:
    models = load_catalog().models
    nova, today = model_on(models["nova-micro"], ARTICLE), models["nova-micro"]
    assert nova
    assert nova.customization
    assert (nova.customization.serving, nova.customization.deployment) == (("provisioned_throughput",), None)
    assert (nova.customization.types, nova.prompt_cache) == (("FINE_TUNING", "DISTILLATION"), None)
    assert model_on(today, day("2026-02-04")) == today
    haiku = model_on(models["claude-haiku-4-5"], day("2026-02-03"))
    assert haiku
    assert not haiku.structured_outputs


def test_no_model_of_the_catalog_is_retired_before_its_release() -> None:
    for model in load_catalog().models.values():
        assert model.released < (model.legacy or model.end_of_life or datetime.date.max)
        if model.customization and model.customization.since:
            assert model.customization.since > model.released


def test_the_first_day_is_that_of_the_oldest_operation() -> None:
    assert first_day() == datetime.date(2023, 9, 28)
    assert all(operation.since >= first_day() for operation in load_history().operations.values())
