"""Check the models of a use case: access, life cycle, Region, training, and how trained models are served."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from include.distill.account_check.findings import Finding, missing, ok
from include.distill.account_check.reader import AccountReader, attempt
from include.distill.config.catalog import load_catalog
from include.distill.config.quota_check import quota_problems
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError
from include.distill.cost.model_check import model_problems, tuning_problems
from include.distill.cost.serving_check import serving_problems

# The run key of no run. With it, every deployment of the account counts as that of another run.
_NO_RUN = f"check-account-0-{32 * '0'}"
_ACCESS = "bedrock:GetFoundationModel, bedrock:GetFoundationModelAvailability"


def model_findings(reader: AccountReader, use_case: UseCase, use_cases: Sequence[UseCase]) -> Iterator[Finding]:
    """
    Yield a finding for each model, for the training, and for the serving of a use case.

    The checks are those of ``preflight``.

    :param use_cases: the use cases whose champions may have a standing endpoint, for messages.
    """
    setting = f"# correct include/use_cases/{use_case.name}.yaml, or the model's entry in include/models.yaml"
    for key in use_case.all_models:
        model = load_catalog().model(key)
        check = f"model {key}"
        problems = attempt(check, _ACCESS, partial(model_problems, reader, use_case, model))
        yield from _findings(check, problems, _agreement(model.foundation_id, use_case.aws.region))
        if model.inference_id != model.foundation_id:
            yield _profile(reader, model.inference_id, setting)
    if any(arm.is_trained for arm in use_case.arms):
        yield from _training(reader, use_case, setting)
    check = "serving of trained models"
    served = attempt(
        check,
        "bedrock:ListCustomModelDeployments",
        lambda: serving_problems(reader, use_case, _NO_RUN, champion=None, use_cases=use_cases),
    )
    yield from _findings(check, served, setting)
    yield from _findings("max_tokens of each step", quota_problems(use_case), setting)


def _profile(reader: AccountReader, profile_id: str, setting: str) -> Finding:
    """Return whether the inference profile exists in the Region. A run calls the model through it."""
    check = f"inference profile {profile_id}"
    try:
        status = attempt(check, "bedrock:GetInferenceProfile", partial(reader.profile_status, profile_id))
    except NotFoundError:
        return missing(check, "The profile does not exist in this Region. Choose another Region or model", setting)
    if isinstance(status, Finding):
        return status
    return ok(check) if status == "ACTIVE" else missing(check, f"The status of the profile is {status}", setting)


def _training(reader: AccountReader, use_case: UseCase, setting: str) -> Iterator[Finding]:
    student = load_catalog().model(use_case.student)
    check = f"training of {student.key}"
    if student.customization and use_case.aws.region not in student.customization.regions:
        regions = ", ".join(student.customization.regions)
        detail = f"The student can be trained only in {regions}, but aws.region is {use_case.aws.region}"
        yield missing(check, detail, f"DISTILL_REGION={student.customization.regions[0]}")
        return
    problems = attempt(check, "bedrock:GetFoundationModel", lambda: tuning_problems(reader, use_case, student))
    yield from _findings(check, problems, setting)


def _findings(check: str, problems: Sequence[str] | Finding, line: str) -> Iterator[Finding]:
    if isinstance(problems, Finding):
        yield problems
        return
    yield from (missing(check, problem, line) for problem in problems)
    if not problems:
        yield ok(check)


def _agreement(model_id: str, region: str) -> str:
    """Return the command that shows what the account lacks for a model. It costs nothing and changes nothing."""
    return f"aws bedrock get-foundation-model-availability --model-id {model_id} --region {region}"
