"""The requests for distillation jobs that are accepted, and those that are refused before a job exists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import NOVA_PRO, refused, teacher
from tools.aws_simulator.catalog.catalog import Customization, load_catalog

NOVA_LITE, LLAMA_8B = "amazon.nova-lite-v1:0:300k", "meta.llama3-1-8b-instruct-v1:0:128k"
LLAMA_1_70B, LLAMA_3_70B = "meta.llama3-1-70b-instruct-v1:0", "meta.llama3-3-70b-instruct-v1:0"
PROFILES = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/"


def create(simulator: RunningSimulator, region: str = "us-east-1", **changes: Any) -> Any:
    """Create a distillation job and return what the Get operation shows of it."""
    client = simulator.boto("bedrock", region=region)
    request = builders.distillation_request(simulator, region=region, **changes)
    arn = client.create_model_customization_job(**request)["jobArn"]
    return client.get_model_customization_job(jobIdentifier=arn)


@pytest.mark.parametrize(
    ("student", "teacher_id", "region"),
    [
        pytest.param(builders.STUDENT_BASE, NOVA_PRO, "us-east-1", id="Nova Micro"),
        pytest.param(NOVA_LITE, "us.amazon.nova-pro-v1:0", "us-east-1", id="profile"),
        pytest.param(NOVA_LITE, f"{PROFILES}us.amazon.nova-pro-v1:0", "us-east-1", id="ARN of a profile"),
        pytest.param(LLAMA_8B, LLAMA_1_70B, "us-west-2", id="Llama"),
        pytest.param(
            LLAMA_8B, f"arn:aws:bedrock:us-west-2::foundation-model/{LLAMA_1_70B}", "us-west-2", id="ARN of a model"
        ),
        pytest.param(LLAMA_8B, f"us.{LLAMA_3_70B}", "us-west-2", id="Llama 3.3 by profile"),
    ],
)
def test_the_pairs_of_the_guide_are_accepted_and_shown(
    simulator: RunningSimulator, student: str, teacher_id: str, region: str
) -> None:
    config = teacher(teacher_id, maxResponseLengthForInference=100)
    job = create(simulator, region, baseModelIdentifier=student, customizationConfig=config)
    assert (job["customizationType"], job["customizationConfig"]) == ("DISTILLATION", config)


@pytest.mark.parametrize(
    ("student", "teacher_id", "region", "complaint"),
    [
        pytest.param(
            builders.STUDENT_BASE, builders.TEACHER, "us-east-1", "cannot be the teacher of", id="teacher of Anthropic"
        ),
        pytest.param(builders.STUDENT_BASE, "amazon.nova-lite-v1:0", "us-east-1", "cannot be the teacher", id="Lite"),
        pytest.param(builders.STUDENT_BASE, LLAMA_1_70B, "us-east-1", "cannot be the teacher", id="other provider"),
        pytest.param(LLAMA_8B, LLAMA_3_70B, "us-west-2", "only through an inference profile", id="Llama 3.3 by id"),
        pytest.param(
            "amazon.nova-pro-v1:0:300k",
            NOVA_PRO,
            "us-east-1",
            "amazon.nova-pro-v1:0:300k doesn't support the customization type DISTILLATION",
            id="no student",
        ),
        pytest.param(builders.STUDENT_BASE, "amazon.nova-pro-v9:0", "us-east-1", "identifier is invalid", id="unknown"),
        pytest.param(
            builders.STUDENT_BASE, "amazon.nova-pro-v1:0:300k", "us-east-1", "identifier is invalid", id="suffix"
        ),
        pytest.param(
            builders.STUDENT_BASE,
            "anthropic.claude-3-sonnet-20240229-v1:0",
            "us-east-1",
            "identifier is invalid",
            id="retired teacher",
        ),
    ],
)
def test_all_other_pairs_are_refused(
    simulator: RunningSimulator, student: str, teacher_id: str, region: str, complaint: str
) -> None:
    with refused("ValidationException", complaint, status=400):
        create(simulator, region, baseModelIdentifier=student, customizationConfig=teacher(teacher_id))


def test_a_retired_student_can_be_distilled_on_an_earlier_day(simulator: RunningSimulator) -> None:
    pair = {
        "baseModelIdentifier": "meta.llama3-2-1b-instruct-v1:0:128k",
        "customizationConfig": teacher(LLAMA_1_70B),
    }
    with refused("ValidationException", "identifier is invalid"):
        create(simulator, "us-west-2", **pair)
    simulator.admin("PUT", "settings", {"as_of": "2026-01-01"})
    assert create(simulator, "us-west-2", **pair)["customizationType"] == "DISTILLATION"


def test_without_a_type_the_configuration_decides(simulator: RunningSimulator) -> None:
    request = builders.distillation_request(simulator)
    del request["customizationType"]
    arn = simulator.boto("bedrock").create_model_customization_job(**request)["jobArn"]
    assert builders.job_state(simulator, arn)["customizationType"] == "DISTILLATION"


LOGS = {"invocationLogsConfig": {"invocationLogSource": {"s3Uri": "s3://training-bucket/logs"}}}
HELD_OUT = {"validators": [{"s3Uri": "s3://training-bucket/held_out.jsonl"}]}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"trainingDataConfig": LOGS}, "does not support invocationLogsConfig", id="logs"),
        pytest.param({"trainingDataConfig": {"s3Uri": "s3://training-bucket/p/"}}, "not a directory", id="folder"),
        pytest.param({"validationDataConfig": HELD_OUT}, "validationDataConfig is not a parameter", id="validation"),
        pytest.param(
            {"customizationConfig": teacher(maxResponseLengthForInference=0)}, "between 1 and 10000", id="no tokens"
        ),
        pytest.param(
            {"customizationConfig": teacher(maxResponseLengthForInference=10001)}, "between 1 and 10000", id="too long"
        ),
        pytest.param({"customizationType": "FINE_TUNING"}, "not a parameter of FINE_TUNING jobs", id="other type"),
        pytest.param({"hyperParameters": {"epochCount": "6"}}, "between 1 and 5", id="hyperparameter"),
    ],
)
def test_what_a_distillation_job_does_not_have_is_refused(
    simulator: RunningSimulator, changes: dict[str, Any], complaint: str
) -> None:
    with refused("ValidationException", complaint):
        create(simulator, **changes)


def test_a_distillation_job_needs_a_configuration(simulator: RunningSimulator) -> None:
    with refused("ValidationException", "distillationConfig is required for DISTILLATION jobs"):
        builders.create_job(simulator, customizationType="DISTILLATION")


def test_a_custom_model_cannot_be_distilled_further(simulator: RunningSimulator) -> None:
    with refused("ValidationException", "must be a foundation model"):
        create(simulator, baseModelIdentifier=builders.custom_model(simulator))


MODELS = load_catalog().models.values()
BASES = [one.customization for one in MODELS if one.customization and one.body != "titan"]


@pytest.mark.parametrize("base", BASES, ids=[base.base_id for base in BASES])
def test_no_model_of_2026_supports_continued_pre_training(simulator: RunningSimulator, base: Customization) -> None:
    simulator.admin("PUT", "settings", {"as_of": "2026-01-01"})
    request = builders.job_request(
        simulator, baseModelIdentifier=base.base_id, customizationType="CONTINUED_PRE_TRAINING"
    )
    with refused("ValidationException", "doesn't support the customization type CONTINUED_PRE_TRAINING"):
        simulator.boto("bedrock", region=base.regions[0]).create_model_customization_job(**request)


def test_the_list_of_models_shows_which_can_be_students(simulator: RunningSimulator) -> None:
    found = {
        model["modelId"]
        for region in ("us-east-1", "us-west-2")
        for model in simulator.boto("bedrock", region=region).list_foundation_models(
            byCustomizationType="DISTILLATION"
        )["modelSummaries"]
    }
    assert found == {builders.STUDENT_BASE, NOVA_LITE, LLAMA_8B}
