"""
The two kinds of endpoint that serve an arm's model: how to find, create and delete one, and what its states mean.

A deployment serves on demand: it is billed by the token, and not at all while it is idle. Provisioned throughput is
billed by the hour. The name of an endpoint contains the run, the arm and a number. Bedrock keeps the names of
deployments apart from the names of throughput.
"""

from __future__ import annotations

import datetime
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol, cast

from bedrock_distill.hooks.bedrock import BedrockDistillHook, Throughput
from bedrock_distill.hooks.deployments import Deployment
from bedrock_distill.hooks.statuses import (
    DEPLOYMENT_STATUS,
    DEPLOYMENT_UPDATE_STATUS,
    THROUGHPUT_STATUS,
    Progress,
)
from bedrock_distill.lifecycle.throughput import hourly_cost_note
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.core.by_hand import ByHand
from include.distill.core.errors import (
    FAILED_TASK,
    ConflictError,
    ContractError,
    OutcomeError,
    ThroughputFailedError,
    ThroughputReleasedError,
)
from include.distill.core.job_failures import stated_reason

if TYPE_CHECKING:
    from include.distill.evaluation.records import StandingKind
    from include.distill.inference.records import ThroughputManifest

# AWS's guide for Nova names this status, which the service model lacks:
# https://docs.aws.amazon.com/nova/latest/userguide/delete-custom-model-deployment.html
DELETING = "Deleting"


class AnyEndpoint(Protocol):
    """What both kinds of endpoint have in common."""

    @property
    def name(self) -> str:
        """The name of the endpoint."""

    @property
    def arn(self) -> str:
        """The ARN."""

    @property
    def status(self) -> str:
        """Bedrock's name for the status."""

    @property
    def created(self) -> datetime.datetime:
        """The time of creation."""

    @property
    def model_arn(self) -> str:
        """The ARN of the custom model that the endpoint serves."""

    @property
    def failure_message(self) -> str | None:
        """Bedrock's reason if the endpoint failed; ``None`` if Bedrock states no reason."""


class Served(NamedTuple):
    """
    The model behind an endpoint now, and the model that Bedrock is putting behind it.

    :ivar progress: RUNNING while the endpoint is created or updated, SUCCEEDED if it answers with ``model_arn`` and
        nothing is in progress, FAILED if its creation failed.
    :ivar coming: the model that answers once the creation or the update has succeeded; ``None`` if nothing is in
        progress.
    :ivar failed_update: the model of the last update, if that update failed. The endpoint goes on with the old model.
    """

    model_arn: str
    progress: Progress
    coming: str | None = None
    failed_update: str | None = None


class EndpointKind(ABC):
    """
    A kind of endpoint. The attributes ``noun`` to ``billed`` are words for messages.

    :cvar noun: the name of the kind.
    :cvar ready: the state in which an endpoint answers requests, such as "in service".
    :cvar buys: the verb for what a task does when it creates an endpoint: "buys" or "creates".
    :cvar done: the same verb for the log, after the endpoint was created: "Bought" or "Created".
    :cvar billed: how an endpoint is billed, such as "billed by the hour".
    :cvar standing: the name of the kind in a champion's record and in ``promotion.serve``.
    """

    noun: ClassVar[Literal["throughput", "deployment"]]
    ready: ClassVar[str]
    buys: ClassVar[str]
    done: ClassVar[str]
    billed: ClassVar[str]
    standing: ClassVar[StandingKind]
    by_hand: ClassVar[ByHand]
    statuses: ClassVar[Mapping[str, Progress]]

    @abstractmethod
    def find(self, hook: BedrockDistillHook, name_or_arn: str) -> AnyEndpoint | None:
        """Return an endpoint by name or ARN; ``None`` if it does not exist."""

    @abstractmethod
    def list(self, hook: BedrockDistillHook) -> Sequence[AnyEndpoint]:
        """Return every endpoint of this kind in the account's Region."""

    @abstractmethod
    def create(
        self, hook: BedrockDistillHook, *, name: str, token: str, model_arn: str, units: int, tags: Mapping[str, str]
    ) -> None:
        """Create an endpoint. Only throughput has model units."""

    @abstractmethod
    def update(self, hook: BedrockDistillHook, name_or_arn: str, model_arn: str) -> None:
        """Put another model of the same base model behind an endpoint. Its ARN stays the same."""

    @abstractmethod
    def served(self, endpoint: AnyEndpoint) -> Served:
        """
        Return the model behind an endpoint, and the model that Bedrock is putting behind it.

        :param endpoint: the endpoint as :meth:`find` returned it. The endpoints from :meth:`list` lack the details of
            updates.
        :raises ContractError: the endpoint has a status that this pipeline does not know.
        """

    @abstractmethod
    def delete(self, hook: BedrockDistillHook, name_or_arn: str) -> None:
        """Delete an endpoint; do nothing if it does not exist."""

    def name_in(self, manifest: ThroughputManifest) -> str | None:
        """Return the name of the endpoint that a task created; ``None`` if it created none of this kind."""
        return cast(str | None, manifest.get(f"{self.noun}_name"))

    def arn_in(self, manifest: ThroughputManifest) -> str | None:
        """Return the ARN of the endpoint that a task created; ``None`` if it created none of this kind."""
        return cast(str | None, manifest.get(f"{self.noun}_arn"))

    def put_into(self, manifest: ThroughputManifest, endpoint: AnyEndpoint) -> None:
        """Write the name, ARN and time of creation of an endpoint into the manifest of the task that created it."""
        record = cast(dict[str, object], manifest)
        record[f"{self.noun}_name"], record[f"{self.noun}_arn"] = endpoint.name, endpoint.arn
        record["created"] = endpoint.created.isoformat()

    def billed_until(self, name: str, delete_task: str, price: str = "", condition: str = "") -> str:
        """Return a sentence about what an endpoint costs until a task deletes it.

        :param price: the price per hour, from :func:`hourly_cost_note`.
        :param condition: the condition under which throughput is billed, such as ", if Bedrock bills throughput that
            failed"; empty if it is billed in any case.
        """
        if self is DEPLOYMENT:
            return (
                f"Nothing while it is idle, because deployment {name} is {self.billed}. Until {delete_task} has deleted"
                " it, it counts against the account's quota of deployments."
            )
        return f"Throughput {name} until {delete_task} has deleted it{condition}{price}."


class _ThroughputKind(EndpointKind):
    noun = "throughput"
    ready = "in service"
    buys, done = "buys", "Bought"
    billed = "billed by the hour"
    standing = "provisioned"
    by_hand = ByHand.THROUGHPUT
    statuses = THROUGHPUT_STATUS

    def find(self, hook: BedrockDistillHook, name_or_arn: str) -> Throughput | None:
        return hook.find_throughput(name_or_arn)

    def list(self, hook: BedrockDistillHook) -> Sequence[Throughput]:
        return hook.list_throughputs()

    def create(
        self, hook: BedrockDistillHook, *, name: str, token: str, model_arn: str, units: int, tags: Mapping[str, str]
    ) -> None:
        hook.create_throughput(name=name, token=token, model_arn=model_arn, units=units, tags=tags)

    def update(self, hook: BedrockDistillHook, name_or_arn: str, model_arn: str) -> None:
        hook.update_throughput(name_or_arn, model_arn)

    def served(self, endpoint: AnyEndpoint) -> Served:
        throughput = cast(Throughput, endpoint)
        progress = _progress(self, endpoint)
        desired = throughput.desired_model_arn or throughput.model_arn
        if progress is Progress.RUNNING:
            return Served(throughput.model_arn, progress, coming=desired)
        # Throughput has no status for a failed update. After a failed update, it is in service with its old model
        # (UNVERIFIED).
        is_old = progress is Progress.SUCCEEDED and desired != throughput.model_arn
        return Served(throughput.model_arn, progress, failed_update=desired if is_old else None)

    def delete(self, hook: BedrockDistillHook, name_or_arn: str) -> None:
        hook.delete_throughput(name_or_arn)


class _DeploymentKind(EndpointKind):
    noun = "deployment"
    ready = "active"
    buys, done = "creates", "Created"
    billed = "billed by the token"
    standing = "on_demand"
    by_hand = ByHand.DEPLOYMENT
    statuses = DEPLOYMENT_STATUS

    def find(self, hook: BedrockDistillHook, name_or_arn: str) -> Deployment | None:
        return hook.find_deployment(name_or_arn)

    def list(self, hook: BedrockDistillHook) -> Sequence[Deployment]:
        return hook.list_deployments()

    def create(
        self, hook: BedrockDistillHook, *, name: str, token: str, model_arn: str, units: int, tags: Mapping[str, str]
    ) -> None:
        hook.create_deployment(name=name, token=token, model_arn=model_arn, tags=tags)

    def update(self, hook: BedrockDistillHook, name_or_arn: str, model_arn: str) -> None:
        hook.update_deployment(name_or_arn, model_arn)

    def served(self, endpoint: AnyEndpoint) -> Served:
        deployment = cast(Deployment, endpoint)
        progress, update = _progress(self, endpoint), deployment.update_status
        if progress is not Progress.SUCCEEDED or update is None:
            coming = deployment.model_arn if progress is Progress.RUNNING else None
            return Served(deployment.model_arn, progress, coming=coming)
        updated = DEPLOYMENT_UPDATE_STATUS.get(update)
        if updated is None:
            raise _unknown_status(self, deployment.name, update)
        if updated is Progress.RUNNING:
            return Served(deployment.model_arn, updated, coming=deployment.update_model_arn)
        failed = deployment.update_model_arn if updated is Progress.FAILED else None
        return Served(deployment.model_arn, progress, failed_update=failed)

    def delete(self, hook: BedrockDistillHook, name_or_arn: str) -> None:
        hook.delete_deployment(name_or_arn)


THROUGHPUT: EndpointKind = _ThroughputKind()
DEPLOYMENT: EndpointKind = _DeploymentKind()
# The kind that is billed by the hour comes first, so that its billing ends even if the other kind cannot be listed.
ENDPOINT_KINDS = (THROUGHPUT, DEPLOYMENT)


def kind_named(standing: StandingKind) -> EndpointKind:
    """Return the kind of endpoint that a champion's record or ``promotion.serve`` names."""
    return next(kind for kind in ENDPOINT_KINDS if kind.standing == standing)


def _progress(kind: EndpointKind, endpoint: AnyEndpoint) -> Progress:
    progress = kind.statuses.get(endpoint.status)
    if progress is None:
        raise _unknown_status(kind, endpoint.name, endpoint.status)
    return progress


def _unknown_status(kind: EndpointKind, name: str, status: str) -> ContractError:
    return ContractError(
        f"{kind.noun.capitalize()} {name} has the unknown status {status!r}.",
        left="This task did not change it.",
        to_do="Report the error as a bug, with this log.",
        then_clear=FAILED_TASK,
    )


def kind_of(manifest: ThroughputManifest) -> EndpointKind:
    """Return the kind of endpoint that is named in a manifest; throughput if the manifest names no endpoint.

    :param manifest: the result of ``deploy`` or ``provision``.
    """
    return DEPLOYMENT if DEPLOYMENT.name_in(manifest) else THROUGHPUT


def release_first(release_task: str, what: str) -> str:
    """Return sentences which say that a task runs next and deletes an endpoint, and what to do if that task fails."""
    return (
        f"{release_task} runs next and deletes {what}. If it fails, clear no other task of this arm until"
        f" {release_task} has succeeded. Otherwise, the arm would buy a second endpoint."
    )


def serving_arn(
    manifest: ThroughputManifest, endpoint: AnyEndpoint | None, *, create_task: str, delete_task: str
) -> str | None:
    """
    Return the ARN of the endpoint that serves the arm; ``None`` if the arm needs no endpoint.

    :param endpoint: the endpoint as Bedrock describes it now; ``None`` if it does not exist.
    :param create_task: id of the task that creates the endpoint, for messages.
    :param delete_task: id of the task that deletes it, for messages.
    :raises ThroughputReleasedError: the endpoint was released.
    :raises ThroughputFailedError: Bedrock could not create the endpoint, and does not try again.
    :raises ContractError: the endpoint has a status that this pipeline does not know.
    """
    kind = kind_of(manifest)
    if kind.arn_in(manifest) is None:
        return None
    noun, price = kind.noun, hourly_cost_note(manifest)
    new_one = f"{kind.buys} a new one{price}"
    if endpoint is None or endpoint.status == DELETING:
        raise ThroughputReleasedError(
            f"{noun.capitalize()} {kind.name_in(manifest)} was released.",
            billed="Nothing is billed for it.",
            then_clear=task_to_clear(create_task),
            effect=new_one,
        )
    progress = kind.statuses.get(endpoint.status)
    if progress is None:
        raise ContractError(
            f"{noun.capitalize()} {endpoint.name} has the unknown status {endpoint.status!r}.",
            left=release_first(delete_task, f"{noun} {endpoint.name}"),
            billed=kind.billed_until(endpoint.name, delete_task, price),
            to_do="Report the error as a bug, with this log.",
            then_clear=task_to_clear(create_task),
            effect=new_one,
        )
    if progress is Progress.FAILED:
        reason = stated_reason(endpoint.failure_message)
        raise ThroughputFailedError(
            f"{noun.capitalize()} {endpoint.name} failed: {reason}.",
            left=release_first(delete_task, f"{noun} {endpoint.name}"),
            billed=kind.billed_until(endpoint.name, delete_task, price, ", if Bedrock bills throughput that failed"),
            to_do="If an earlier endpoint of this run has also failed, ask AWS's support first.",
            then_clear=task_to_clear(create_task),
            effect=new_one,
        )
    return endpoint.arn


def delete_and_wait(hook: BedrockDistillHook, kind: EndpointKind, name_or_arn: str, *, wait_seconds: float) -> None:
    """
    Delete an endpoint and wait until Bedrock no longer finds it.

    Bedrock may refuse to delete a deployment that is changing (ConflictException). After a refusal, the deletion is
    tried again. The states in which Bedrock refuses are UNVERIFIED.

    :raises ConflictError: Bedrock still refuses to delete the deployment after ``wait_seconds``, or refuses to delete
        throughput.
    :raises OutcomeError: the endpoint still exists after ``wait_seconds``.
    """
    deadline = time.monotonic() + wait_seconds
    while not _is_deletion_accepted(hook, kind, name_or_arn, is_last=time.monotonic() > deadline):
        time.sleep(1)
    while kind.find(hook, name_or_arn):
        if time.monotonic() > deadline:
            raise OutcomeError(
                f"Bedrock accepted the deletion of {kind.noun} {name_or_arn} {wait_seconds:.0f} s ago, but it"
                " still exists.",
                then_clear=FAILED_TASK,
                effect="deletes it again",
            )
        time.sleep(1)


def _is_deletion_accepted(hook: BedrockDistillHook, kind: EndpointKind, name_or_arn: str, *, is_last: bool) -> bool:
    try:
        kind.delete(hook, name_or_arn)
    except ConflictError:
        if is_last or kind is not DEPLOYMENT:
            raise
        return False
    return True
