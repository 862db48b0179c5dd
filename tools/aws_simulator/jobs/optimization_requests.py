"""
Check a request for a prompt optimization job, as Bedrock does before a job exists.

The service model declares the form of the request. AWS's pages call wrong input files a ValidationException, so the
input file is checked here. That this happens before the job exists is UNVERIFIED, as are all messages of this module
for which no source is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.aws_simulator.account.calls import Call
from tools.aws_simulator.account.optimization_records import TargetModel
from tools.aws_simulator.catalog.regions import PROMPT_OPTIMIZATION_REGIONS
from tools.aws_simulator.jobs.optimization_files import OptimizationFiles
from tools.aws_simulator.jobs.optimization_input import InputError, Template, read_templates
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.inference import Inference

# https://docs.aws.amazon.com/bedrock/latest/userguide/advanced-prompt-optimization-prereqs.html has this text for a
# model that the caller may not invoke. Public programs report it for the wrong kind of id too.
NOT_ACCESSIBLE = "No inference API is accessible for model. Verify that the role has permission to invoke the model."
# A public program reports that Bedrock refuses the bare ids of their models. Other providers are UNVERIFIED.
_PROFILES_ONLY = frozenset({"Amazon", "Anthropic"})


def check_request(call: Call, inference: Inference, files: OptimizationFiles) -> list[Template]:
    """Check a request for a new job, and return the templates in its input file.

    :raises ApiError: Bedrock would refuse the request, or the simulator cannot honor it.
    """
    if call.region not in PROMPT_OPTIMIZATION_REGIONS:
        raise ValidationException(f"Advanced prompt optimization is not supported in the Region {call.region}.")
    models: list[TargetModel] = call.arguments["modelConfigurations"]
    if len({model["modelId"] for model in models}) < len(models):
        raise ValidationException("The models of a prompt optimization job must differ.")
    for model in models:
        _check_model(call.region, model, inference)
    files.check_output()
    try:
        return read_templates(files.read())
    except InputError as error:
        raise ValidationException(str(error)) from error


def inference_arguments(model: TargetModel) -> Mapping[str, Any]:
    """Return the arguments of Converse that a model's configuration sets."""
    arguments: Mapping[str, Any] = model
    return {name: arguments[name] for name in ("inferenceConfig", "additionalModelRequestFields") if name in arguments}


def _check_model(region: str, model: TargetModel, inference: Inference) -> None:
    """Check that a model exists, is not retired, and can be asked with the configuration.

    All models of the catalog have text output, as the targets of these jobs need.
    """
    identifier = model["modelId"]
    target = inference.on_demand(region, identifier).model
    is_bare = target.id == identifier.rpartition("/")[2]
    if is_bare and target.provider in _PROFILES_ONLY:
        raise ValidationException(NOT_ACCESSIBLE)
    inference.check_prompt_arguments(region, identifier, inference_arguments(model))
