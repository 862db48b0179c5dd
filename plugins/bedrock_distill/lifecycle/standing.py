"""
Put a model behind the standing endpoint of a use case, and check which model the endpoint serves.

``champions/<use case>.json`` says which model should answer. These functions change only the endpoint. Each of them
looks at the endpoint first and does what is missing, so any of them may be repeated at any time.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.buy_once import buy_once
from bedrock_distill.lifecycle.deployment_quota import QUOTA_CODE, quota_error
from bedrock_distill.lifecycle.endpoints import (
    DELETING,
    DEPLOYMENT,
    AnyEndpoint,
    EndpointKind,
    delete_and_wait,
    kind_named,
)
from bedrock_distill.lifecycle.tags import standing_tags
from bedrock_distill.run.task_ids import SWITCH
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.cleanup.expiry import PROJECT_TAG
from include.distill.cleanup.ownership import ROLE_TAG, STANDING_ROLE
from include.distill.cleanup.tag_values import from_tags
from include.distill.config.layout import champion_uri
from include.distill.config.use_case import UseCase
from include.distill.core.errors import (
    FAILED_TASK,
    ChangeInProgressError,
    ConcurrencyLimitError,
    PromotionError,
    RefusedError,
    SwitchFailedError,
    ThrottledError,
    TransientError,
)
from include.distill.core.job_failures import stated_reason
from include.distill.core.naming import change_token, standing_endpoint_name
from include.distill.core.storage import ObjectStore
from include.distill.evaluation.champion import read_champion
from include.distill.evaluation.champion_parts import ChampionEndpoint, EndpointPrice
from include.distill.evaluation.endpoint_change import ChangeAim, ChangeLock, Holder, IsLive
from include.distill.evaluation.endpoint_records import EndpointChange, SwitchManifest

log = logging.getLogger(__name__)

_DELETION_SECONDS = 600.0


@dataclass(frozen=True)
class StandingSite:
    """
    The standing endpoint of a use case, and where its records are.

    :param root: the project's part of the training bucket, ``s3://<training bucket>/<prefix>``.
    """

    hook: BedrockDistillHook
    store: ObjectStore
    use_case: UseCase
    root: str

    @property
    def name(self) -> str:
        """The name of the endpoint, which is the same for both kinds."""
        return standing_endpoint_name(self.use_case.environment, self.use_case.name)

    @property
    def champion_uri(self) -> str:
        """The URI of the champion's record."""
        return champion_uri(self.root, self.use_case.name)

    @property
    def lock(self) -> ChangeLock:
        """The lock that allows one change at a time."""
        return ChangeLock(self.store, self.root, self.use_case.name)

    def find(self, kind: EndpointKind) -> AnyEndpoint | None:
        """
        Return the endpoint of a kind; ``None`` if it does not exist or is being deleted.

        :raises RefusedError: an endpoint with this name exists, but its tags are not those of this use case's endpoint.
        """
        endpoint = kind.find(self.hook, self.name)
        if endpoint is None or endpoint.status == DELETING:
            return None
        tags = self.hook.tags(endpoint.arn)
        expected = {
            "project": PROJECT_TAG,
            "environment": self.use_case.environment,
            "use-case": self.use_case.name,
            ROLE_TAG: STANDING_ROLE,
        }
        different = [
            f"its tag {key} is {from_tags(tags, key) or 'missing'}, expected {value}"
            for key, value in expected.items()
            if from_tags(tags, key) != value
        ]
        if different:
            raise RefusedError(
                f"The {kind.noun} {self.name} exists, but it is not the standing endpoint of {self.use_case.name}:"
                f" {'; '.join(different)}.",
                left="The endpoint was not changed.",
                billed=f"The {kind.noun} is {kind.billed}, to its owner.",
                to_do=(
                    "If it belongs to another installation, give each installation its own DISTILL_ENVIRONMENT. If"
                    f" nobody uses it, delete it {kind.by_hand.ways(endpoint.arn, self.use_case.aws.region)}."
                ),
                then_clear=FAILED_TASK,
            )
        return endpoint

    def is_recorded(self, endpoint: AnyEndpoint) -> bool:
        """Return whether the champion's record names an endpoint, so that applications may call it."""
        champion = read_champion(self.store, self.champion_uri)
        return bool(champion and champion.endpoint and champion.endpoint.arn == endpoint.arn)


@dataclass(frozen=True)
class Switched:
    """
    The endpoint that is to answer with the new model. Its creation or update may still be in progress.

    :param created: whether the endpoint is new, so that no champion's record names it yet.
    """

    endpoint: AnyEndpoint
    created: bool
    change: EndpointChange


def switch(site: StandingSite, change: EndpointChange, *, is_live: IsLive) -> Switched:
    """
    Put the model of a change behind the standing endpoint, or create the endpoint, with at most one call.

    :param change: the change, whose run has the lock.
    :raises ChangeInProgressError: another run has taken the lock, or the endpoint is being changed to another model.
    :raises SwitchFailedError: the recorded endpoint has failed, so only a person may replace it.
    :raises RefusedError: the account has no room for another deployment, access is missing, or the name is in use.
    """
    kind, aim = kind_named(change["endpoint_kind"]), change["aim_model_arn"]
    endpoint = site.find(kind)
    if endpoint is not None and kind.served(endpoint).progress is Progress.FAILED:
        change = _delete_failed(site, kind, endpoint, change, is_live)
        endpoint = None
    if endpoint is None:
        return Switched(_create(site, kind, change), True, change)
    served, created = kind.served(endpoint), not site.is_recorded(endpoint)
    if served.coming == aim or (served.progress is Progress.SUCCEEDED and served.model_arn == aim):
        return Switched(endpoint, created, change)
    if served.progress is Progress.RUNNING:
        raise ChangeInProgressError(
            f"The {kind.noun} {site.name} is being changed to {served.coming}, so {aim} cannot be put behind it now.",
            left=f"The {kind.noun} was not changed by this task.",
            billed="Nothing by this task.",
            to_do="Wait until that change is complete, which takes a few minutes.",
            then_clear=FAILED_TASK,
        )
    require_held(site, change)
    log.info("%s answers with %s. Putting %s behind it.", endpoint.arn, served.model_arn, aim)
    return Switched(request_update(site, kind, endpoint, aim), created, change)


def require_held(site: StandingSite, change: EndpointChange) -> None:
    """
    Check directly before a call to Bedrock that the change still has the lock.

    :raises ChangeInProgressError: the change no longer has the lock.
    """
    if not site.lock.is_held(change):
        raise ChangeInProgressError(
            f"Another task has taken over the change of the standing endpoint {site.name}.",
            left="The endpoint was not changed by this task.",
            billed="Nothing by this task.",
            to_do="Wait until the task `settle` and the other run have ended.",
            then_clear=FAILED_TASK,
        )


def request_update(site: StandingSite, kind: EndpointKind, endpoint: AnyEndpoint, model_arn: str) -> AnyEndpoint:
    """
    Ask Bedrock to put a model behind an endpoint. A lost response is not an error if the endpoint shows the update.

    :return: the endpoint as Bedrock describes it after the request.
    """
    try:
        kind.update(site.hook, endpoint.arn, model_arn)
    except (RefusedError, TransientError, ThrottledError):  # a repeated request is refused while the update is going on
        if (found := site.find(kind)) is None or model_arn not in (kind.served(found).coming, found.model_arn):
            raise
        return found
    return site.find(kind) or endpoint


def _delete_failed(
    site: StandingSite, kind: EndpointKind, endpoint: AnyEndpoint, change: EndpointChange, is_live: IsLive
) -> EndpointChange:
    """
    Delete an endpoint whose creation failed, so that the endpoint can be created again.

    :return: the change with the next number. With the old number, AWS would treat the next creation as a repetition of
        the failed request.
    :raises SwitchFailedError: the champion's record names the endpoint, so only a person may replace it.
    """
    if site.is_recorded(endpoint):
        raise SwitchFailedError(
            f"The standing endpoint {endpoint.arn} has failed: {stated_reason(endpoint.failure_message)}.",
            left="The endpoint was not changed. Applications that call it get errors.",
            billed=billed_while_standing(kind, site.name),
            to_do=(
                "Ask AWS's support. To create another endpoint, with another ARN, delete this one"
                f" {kind.by_hand.ways(endpoint.arn, site.use_case.aws.region)}."
            ),
            then_clear=task_to_clear(SWITCH),
        )
    aim = ChangeAim(
        change["kind"], change["aim_model_arn"], change["replaces"], change["endpoint_kind"], change["name"]
    )
    holder = Holder(change["dag_id"], change["run_id"], change["run_key"])
    # The number must change before the deletion. With the old number, the next creation would have the same token as
    # the failed one, and AWS would ignore it.
    renewed = site.lock.take(holder, aim, is_live=is_live, renew=True)
    log.warning("%s failed and is deleted: %s.", endpoint.arn, stated_reason(endpoint.failure_message))
    delete_and_wait(site.hook, kind, endpoint.arn, wait_seconds=_DELETION_SECONDS)
    return renewed


def _create(site: StandingSite, kind: EndpointKind, change: EndpointChange) -> AnyEndpoint:
    def create(name: str) -> None:
        require_held(site, change)
        kind.create(
            site.hook,
            name=name,
            token=change_token(name, change["number"], change["aim_model_arn"]),
            model_arn=change["aim_model_arn"],
            units=site.use_case.serving.model_units,
            tags=standing_tags(
                site.use_case, dag_id=change["dag_id"], run_id=change["run_id"], run_key=change["run_key"]
            ),
        )

    try:
        return buy_once(site.name, find=lambda _: site.find(kind), create=create).resource
    except (RefusedError, ConcurrencyLimitError) as error:
        if kind is not DEPLOYMENT or error.code != QUOTA_CODE:
            raise
        left = f"The standing endpoint {site.name} does not exist. The champion is unchanged."
        raise quota_error(site.hook, site.name, error, left=left) from error


def switched_arn(site: StandingSite, manifest: SwitchManifest) -> str | None:
    """
    Return the ARN of the endpoint if it answers with the new model; ``None`` while the change is in progress.

    :raises SwitchFailedError: the creation or the update failed, or the endpoint is gone.
    """
    kind, aim = kind_named(manifest["kind"]), manifest["model_arn"]
    endpoint = site.find(kind)
    if endpoint is None:
        raise _failed(site, kind, f"The {kind.noun} {site.name} does not exist any more", "There is no endpoint.")
    served, reason = kind.served(endpoint), stated_reason(endpoint.failure_message)
    if served.progress is Progress.FAILED:
        problem = f"Bedrock could not create the {kind.noun} {site.name} for {aim}: {reason}"
        raise _failed(site, kind, problem, "It does not answer.")
    if served.progress is Progress.RUNNING:
        return None
    if served.model_arn == aim:
        return endpoint.arn
    if served.failed_update == aim:
        problem = f"Bedrock could not put {aim} behind the {kind.noun} {site.name}: {reason}"
        raise _failed(site, kind, problem, f"It still answers with {served.model_arn}.")
    change = site.lock.read()
    if change is None or change["number"] != manifest["number"]:
        problem = f"Another task has taken over the change of the {kind.noun} {site.name}"
        raise _failed(site, kind, problem, f"It answers with {served.model_arn}.")
    return None  # Bedrock has accepted the update, but does not show it yet


def _failed(site: StandingSite, kind: EndpointKind, problem: str, state: str) -> SwitchFailedError:
    return SwitchFailedError(
        f"{problem}.",
        left=f"{state} The champion is unchanged, and `settle` runs next.",
        billed=billed_while_standing(kind, site.name),
        to_do="If an earlier attempt failed for the same reason, ask AWS's support first.",
        then_clear=task_to_clear(SWITCH),
        effect="asks Bedrock again",
    )


def billed_while_standing(kind: EndpointKind, name: str, price: str = "") -> str:
    """
    Return a sentence about what a standing endpoint costs.

    :param price: the price per hour, such as ", at $60.50 per hour"; empty if it is not known.
    """
    if kind is DEPLOYMENT:
        return (
            f"Nothing while it is idle, because deployment {name} is {kind.billed}. It counts against the account's"
            " quota of deployments."
        )
    return f"If throughput {name} exists, it is billed by the hour until a person deletes it{price}."


def confirm(site: StandingSite, manifest: SwitchManifest, holder: Holder) -> AnyEndpoint:
    """
    Return the endpoint if it answers with the model of the change and the change still has the lock.

    :raises PromotionError: the endpoint is gone, is a new one or does not answer with the model, or another task has
        taken over the change.
    """
    kind, aim = kind_named(manifest["kind"]), manifest["model_arn"]
    endpoint, change = site.find(kind), site.lock.read()
    is_own = change is not None and change["state"] == "switching" and change["run_key"] == holder.run_key
    if endpoint is None:
        problem = f"The standing endpoint {site.name} does not exist any more"
    elif manifest["arn"] not in (None, endpoint.arn):
        problem = f"The standing endpoint {site.name} was created again, as {endpoint.arn}"
    elif kind.served(endpoint).progress is not Progress.SUCCEEDED or endpoint.model_arn != aim:
        problem = f"The standing endpoint {endpoint.arn} answers with {endpoint.model_arn}, not with {aim}"
    elif change is None or not is_own or change["number"] != manifest["number"]:
        problem = f"Another task has taken over the change of the standing endpoint {endpoint.arn}"
    else:
        return endpoint
    raise PromotionError(
        f"{problem}.",
        left="This task did not change the champion.",
        billed=billed_while_standing(kind, site.name),
        to_do="Wait until the task `settle` has ended.",
        then_clear=task_to_clear(SWITCH),
        effect="puts the model behind the endpoint and sends the smoke prompts again",
    )


def champion_endpoint(
    site: StandingSite, kind: EndpointKind, endpoint: AnyEndpoint, *, price: EndpointPrice | None = None
) -> ChampionEndpoint:
    """
    Return the part of a champion's record that describes the endpoint.

    :param price: the price per hour that a person approved; ``None`` for a deployment.
    """
    units = getattr(endpoint, "units", None)
    return ChampionEndpoint(
        kind=kind.standing,
        name=endpoint.name,
        arn=endpoint.arn,
        region=site.use_case.aws.region,
        created=endpoint.created.isoformat(),
        units=units,
        approved_price=price,
    )
