"""Check before a run whether Bedrock can serve the custom models of its arms within the account's quota."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from include.distill.config.catalog import load_catalog
from include.distill.config.quota_check import deployment_quota_problem
from include.distill.config.use_case import UseCase
from include.distill.core.errors import RefusedError, UseCaseError
from include.distill.core.naming import standing_endpoint_name, throughput_names
from include.distill.cost.arm_serving import serving_choice
from include.distill.cost.estimate import served_student
from include.distill.cost.prices import load_prices
from include.distill.cost.records import ServingChoice


class NamedDeployment(Protocol):
    """A custom model deployment."""

    @property
    def name(self) -> str:
        """The name of the deployment."""


class DeploymentReader(Protocol):
    """List the custom model deployments of an account. This costs nothing."""

    def list_deployments(self) -> Sequence[NamedDeployment]:
        """Return every deployment of the account in the Region."""


def serving_problems(
    reader: DeploymentReader,
    use_case: UseCase,
    run_key: str,
    *,
    champion: str | None,
    use_cases: Sequence[UseCase] = (),
) -> list[str]:
    """
    Return a message for each custom model that cannot be served.

    If all can be served, but their deployments exceed the account's quota, return one message about the quota. If the
    existing deployments cannot be listed, return one message about that.

    :param champion: key of the champion's base model; ``None`` if there is no champion.
    :param use_cases: the use cases whose champions may have a standing endpoint, for the message.
    """
    problems: list[str] = []
    deployed: list[str] = []
    for arm, student in _students(use_case, champion).items():
        if load_catalog().model(student).customization is None:
            continue  # another check of preflight reports that Bedrock cannot fine-tune this student
        try:
            choice = serving_choice(use_case, student, load_prices())
        except UseCaseError as error:
            problems.append(str(error))
        else:
            deployed += [arm] if choice["mode"] == "on_demand" else []
    problems = list(dict.fromkeys(problems))
    may_deploy = deployed or use_case.promotion.serve == "on_demand"
    standing = {standing_endpoint_name(one.environment, one.name) for one in (*use_cases, use_case)}
    return problems or (_deployment_problems(reader, use_case, run_key, deployed, standing) if may_deploy else [])


def _deployment_problems(
    reader: DeploymentReader, use_case: UseCase, run_key: str, arms: Sequence[str], standing: Collection[str]
) -> list[str]:
    try:
        names = [deployment.name for deployment in reader.list_deployments()]
    except RefusedError as error:
        return [f"the custom model deployments of this account cannot be listed: {error}"]
    place = use_case.environment, use_case.name
    # If this run was cleared, it may already have deployments. They are found again or replaced, so they do not count.
    own = tuple(throughput_names(*place, arm, run_key, 1).name.removesuffix("1") for arm in arms)
    # A promotion creates the standing endpoint after the arms' deployments have been deleted, so the quota need not
    # have room for both.
    creates = use_case.promotion.serve == "on_demand" and standing_endpoint_name(*place) not in names
    settings = [*(["serving.mode to provisioned"] if arms else []), *(["promotion.serve to none"] if creates else [])]
    problem = deployment_quota_problem(
        [name for name in names if not name.startswith(own)],
        needed=max(min(len(arms), use_case.serving.arms_at_a_time), int(creates)),
        use_case=use_case,
        standing=standing,
        instead=" and ".join(settings),
    )
    return [problem] if problem else []


def hourly_notes(use_case: UseCase, *, champion: str | None) -> list[str]:
    """
    Return a warning for each base model whose custom models can only be served by provisioned throughput.

    Call this only if :func:`serving_problems` returned no messages.
    """
    students = dict.fromkeys(_students(use_case, champion).values())
    notes = (_hourly_note(student, serving_choice(use_case, student, load_prices())) for student in students)
    return [note for note in notes if note]


def _hourly_note(student: str, choice: ServingChoice) -> str | None:
    if choice["mode"] == "on_demand":
        return None
    price = next(option["usd_per_hour"] or 0.0 for option in choice["options"] if option["mode"] == "provisioned")
    return (
        f"Models trained from {student} are served by provisioned throughput, at ${price:,.2f} per hour, because"
        f" {choice['reason']}. A new account's quota is 0 model units, so check the quota in Service Quotas before you"
        " train."
    )


def _students(use_case: UseCase, champion: str | None) -> dict[str, str]:
    """Return the base model of each custom model that is served. The keys are the names of the arms."""
    students = {arm.name: served_student(use_case, arm, champion) for arm in use_case.arms}
    return {arm: student for arm, student in students.items() if student is not None}
