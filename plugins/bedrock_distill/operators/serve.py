"""
Buy and release the endpoint that serves an arm's model.

The operators of this module use provisioned throughput. The operators of :mod:`bedrock_distill.operators.deploy` may
also use custom model deployments, which serve on demand.

``provision`` and ``release`` coordinate through release records in the run's folder. ``release`` writes a record before
it deletes anything. ``provision`` counts the records to get the number of its endpoint, and counts them again right
before it buys. If the count has changed, it buys nothing. An old attempt of ``provision`` may start to count only after
``release``, so ``provision`` also asks Airflow whether it still runs.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.hooks.bedrock import Throughput
from bedrock_distill.hooks.deployments import Deployment
from bedrock_distill.lifecycle.buy_once import Purchase, buy_once
from bedrock_distill.lifecycle.endpoints import THROUGHPUT, AnyEndpoint, EndpointKind, delete_and_wait, kind_of
from bedrock_distill.lifecycle.missing_endpoints import counts_as_deleted
from bedrock_distill.lifecycle.remaining_endpoints import RemainingEndpoint
from bedrock_distill.lifecycle.tags import purchase_tags
from bedrock_distill.lifecycle.throughput import released_throughput
from bedrock_distill.operators.base import ArmOperator
from bedrock_distill.operators.missing_answers import count_missing_answers
from bedrock_distill.run.approved_spending import require_approved_spending
from bedrock_distill.run.checks import utc_now
from bedrock_distill.run.metrics import emit
from bedrock_distill.run.old_copy import require_running
from bedrock_distill.run.task_ids import PROVISION, PROVISIONED, TRAINED, sibling_task
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.ui.links import MODEL_LINK, THROUGHPUT_LINK, ResourceLink
from include.distill.config.environment import environment_name
from include.distill.core.errors import (
    FAILED_TASK,
    ConcurrencyLimitError,
    ConflictError,
    NotShownError,
    RefusedError,
    ThrottledError,
    ThroughputReleasedError,
)
from include.distill.core.naming import Names, request_token, throughput_names
from include.distill.core.storage import read_json, write_json
from include.distill.cost.prices import load_prices
from include.distill.cost.records import ReleaseManifest, ThroughputRelease
from include.distill.cost.throughput_hours import release_record, unit_hours
from include.distill.evaluation.champion import champion_snapshot
from include.distill.inference.records import ThroughputManifest
from include.distill.report.run_metrics import endpoint_samples, purchase_samples
from include.distill.training.records import TrainingManifest

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.lineage.artifacts import TaskLineage


class ServingOperator(ArmOperator):
    """
    Base class of the operators that create and delete an arm's endpoint.

    :cvar serving_tasks: the names of the arm's tasks that create the endpoint, wait for it, and delete it.
    """

    serving_tasks = PROVISIONED

    @property
    def release_task(self) -> str:
        """The task that deletes the arm's endpoint."""
        return sibling_task(self.task_id, self.serving_tasks.delete)

    def _endpoint_names(self, ordinal: int) -> Names:
        return throughput_names(self.use_case.environment, self.use_case.name, self.arm, self.folder.run_key, ordinal)

    def _release_records(self) -> list[str]:
        return self.store.list(self.folder.release_records(self.arm))


class BedrockProvisionThroughputOperator(ServingOperator):
    """
    Buy the throughput that serves the arm's model, unless every answer is already stored.

    The throughput serves the model that the arm trained. In the champion's arm, it serves the model that was promoted
    before the run. If no model was promoted yet, nothing is bought and the base student answers on demand.

    The throughput is bought without a commitment. Each model unit is billed by the hour until ``release``. A retry
    finds the throughput that an earlier attempt bought. Throughput that has the expected name but serves another
    model, or has the tags of another run, is not used. After a release, clearing this task buys new throughput, whose
    name ends in the next number.

    :param trained: manifest of the arm's task ``trained``; ``None`` for the champion. (templated)
    :return: ``{"throughput_name", "throughput_arn", "created", "model_arn", "student", "missing_answers",
        "bought": bool, "usd_per_hour": float}``; name and ARN are ``None``, and ``created`` is absent, if no
        throughput is needed; ``model_arn`` is ``None`` if the base student takes the champion's place.
    :raises RefusedError: no model units are granted (the default quota is 0), access is missing, or another run has
        throughput with the name that this task would use; nothing was bought.
    """

    template_fields: Sequence[str] = (*ArmOperator.template_fields, "trained")
    trained = ResultOf[TrainingManifest | None](TRAINED, optional=True)
    operator_extra_links: tuple[ResourceLink, ...] = (THROUGHPUT_LINK, MODEL_LINK)
    ui_color = "#f3e8fd"
    waits_for = "the endpoint of arm {task.arm} to be bought"

    def __init__(self, *, trained: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.trained = trained
        self._price = " by the hour"
        self._was_refused = self._was_requested = False

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: the model, and an endpoint that the release task finds by its name."""
        if self._has_bought_nothing:
            return "The trained model stays stored. There is no endpoint."
        return f"The trained model stays stored. If an endpoint was created, {self.release_task} finds it by its name."

    def billed_now(self, error: Exception) -> str:
        """Return whether an endpoint may exist, and what it then costs."""
        if self._was_refused:
            return f"No endpoint of arm {self.arm}: Bedrock refused to create it, so nothing was bought."
        if self._has_bought_nothing:
            return f"No endpoint of arm {self.arm}: this task had not asked Bedrock for it yet."
        cause = "If the endpoint was created" if self._was_requested else "If an earlier attempt created an endpoint"
        return (
            f"{cause}, it is billed{self._price} until {self.release_task} deletes it. {self.release_task} runs"
            " after the last attempt of this task."
        )

    @property
    def _has_bought_nothing(self) -> bool:
        return self._was_refused or (self.attempt == 1 and not self._was_requested)

    def _choose_kind(self) -> EndpointKind:
        """Return the kind of endpoint that serves the arm."""
        return THROUGHPUT

    def cost_so_far(self) -> str:
        """Return what the endpoint costs once it exists."""
        return f"once the endpoint exists, it is billed{self._price}"

    def execute(self, context: Context) -> ThroughputManifest:
        """Find the arm's endpoint or create it; return the endpoint, or the model that answers without one."""
        model_arn, student = self._model()
        kind = self._choose_kind()
        missing = count_missing_answers(self, model_arn=model_arn, student=student) if model_arn else 0
        manifest: ThroughputManifest = {
            "model_arn": model_arn,
            "student": student,
            "missing_answers": missing,
            "bought": False,
            "throughput_name": None,
            "throughput_arn": None,
        }
        if kind is THROUGHPUT:
            usd_per_hour = self.use_case.serving.model_units * load_prices().price(student, "throughput_per_hour")
            self._price = f" at ${usd_per_hour:.2f} per hour"
            manifest["usd_per_hour"] = usd_per_hour
        if not missing or not model_arn:
            why = (
                "every answer is already stored"
                if model_arn
                else "there is no champion yet, so the base student answers"
            )
            self.log.info("No endpoint is needed for %s: %s.", self.arm, why)
            return manifest
        purchase = self._find_or_buy(kind, model_arn, context)
        endpoint = purchase.resource
        done = kind.done if purchase.bought else "Found"
        self.log.info("%s %s %s for %s missing answers", done, kind.noun, endpoint.name, missing)
        kind.put_into(manifest, endpoint)
        manifest["bought"] = purchase.bought
        emit(purchase_samples(self.use_case.name, kind.noun, int(purchase.bought)))
        return manifest

    def lineage(self, result: ThroughputManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.model_steps import serving_lineage

        return serving_lineage(self.trained, result)

    def _find_or_buy(self, kind: EndpointKind, model_arn: str, context: Context) -> Purchase[AnyEndpoint]:
        ordinal = len(self._release_records()) + 1
        names = self._endpoint_names(ordinal)
        tags = purchase_tags(self.use_case, self.folder, context["dag_run"], arm=self.arm)
        created: list[str] = []

        def create(name: str) -> None:
            require_approved_spending(self)
            self._refuse_after_release(kind, ordinal, context)
            self._was_requested = True
            try:
                self._create(kind, name, model_arn, tags)
            except (RefusedError, ThrottledError, ConcurrencyLimitError) as error:
                self._was_refused = not isinstance(error, ConflictError)
                raise
            created.append(name)

        def find(name: str) -> AnyEndpoint | None:
            # Bedrock may not list the tags of a new endpoint yet, so one that was just created is not checked.
            if created:
                return kind.find(self.hook, name)
            return self.ownership.find_endpoint(kind, names, arm=self.arm, model_arn=model_arn)

        try:
            return buy_once(names.name, find=find, create=create)
        except NotShownError:
            if not counts_as_deleted(self.store, self.folder, self.arm, ordinal, now=utc_now()):
                raise
            return self._find_or_buy(kind, model_arn, context)

    def _create(self, kind: EndpointKind, name: str, model_arn: str, tags: Mapping[str, str]) -> None:
        units, token = self.use_case.serving.model_units, request_token(name)
        kind.create(self.hook, name=name, token=token, model_arn=model_arn, units=units, tags=tags)

    def _model(self) -> tuple[str | None, str]:
        """Return the ARN of the arm's custom model, and the key of its base model."""
        if self.use_case.arm(self.arm).kind != "champion":
            assert self.trained is not None  # noqa: S101 - the task group of a tuned arm passes it
            return self.trained["model_arn"], self.use_case.student
        champion = champion_snapshot(self.store, self.folder)
        return (champion.model_arn, champion.student) if champion else (None, self.use_case.student)

    def _refuse_after_release(self, kind: EndpointKind, ordinal: int, context: Context) -> None:
        """Refuse to create an endpoint that no task would delete, because the endpoint was already released."""
        require_running(
            context,
            f"{kind.buys.removesuffix('s')} the {kind.noun} of arm {self.arm}",
            left=f"Airflow keeps the state that it shows for {self.task_id}. The {kind.noun} that other attempts"
            " created or released is unchanged.",
            if_still=f"this run still needs the {kind.noun}",
        )
        if len(self._release_records()) >= ordinal:
            raise ThroughputReleasedError(
                f"{self.release_task} marked the {kind.noun} of arm {self.arm} as released while this task was"
                f" running, so this task did not {kind.buys.removesuffix('s')} it.",
                billed="Nothing was bought.",
                then_clear=FAILED_TASK,
                effect=f"{kind.buys} a new endpoint",
            )


class BedrockReleaseThroughputOperator(ServingOperator):
    """
    Delete all throughput that the run bought for the arm, and wait until it is gone.

    The task finds the throughput by name, not by the result of ``provision``. So it also deletes throughput if
    ``provision`` died after buying. It never deletes throughput with the tags of another run or environment. The task
    writes the release record before it deletes anything. It costs nothing, and may run any number of times.

    :param provisioned: manifest of the arm's task ``provision``; ``None`` if that task has no result. It is used only
        to name the endpoint in errors. (templated)
    :param wait_seconds: maximum number of seconds to wait until the throughput is gone.
    :return: ``{"released": [names], "unit_hours": float}``; ``unit_hours`` counts the model-unit hours of this arm in
        this run, including earlier releases.
    :raises RefusedError: throughput of another run or environment has a name that this run uses. That throughput was
        not deleted; all throughput of this run was deleted.
    :raises OutcomeError: the throughput still exists after ``wait_seconds``, and is still billed.
    """

    template_fields: Sequence[str] = (*ArmOperator.template_fields, "provisioned")
    provisioned = ResultOf[ThroughputManifest | None](PROVISION, optional=True)
    kinds: tuple[EndpointKind, ...] = (THROUGHPUT,)
    ui_color = "#fce8e6"
    waits_for = "Bedrock to delete the endpoint of arm {task.arm}"

    def __init__(self, *, provisioned: Any = None, wait_seconds: float = 900, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.provisioned = provisioned
        self.wait_seconds = wait_seconds
        self._ordinal = 1
        self._to_delete: list[RemainingEndpoint] | None = None

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: endpoints that were not deleted, and the answers so far."""
        return "An endpoint that was not deleted still exists. The arm's answers so far are stored."

    def billed_now(self, error: Exception) -> str:
        """Return which endpoints may still be billed, at what price and since when."""
        endpoints = self._known_endpoints()
        if not endpoints:
            return f"No endpoint of arm {self.arm} is known, so none should be billed."
        listed = " ".join(endpoint.billed() for endpoint in endpoints)
        return (
            f"{listed} After the run has ended, distill_release_leftovers tries again every 15 minutes. If the"
            f" connection {self.aws_conn_id} is the cause of the error, these attempts fail too."
        )

    def without_airflow(self, error: Exception) -> str:
        """Return how to delete the endpoints by hand."""
        return " ".join(endpoint.by_hand(self.region_name) for endpoint in self._known_endpoints())

    def _known_endpoints(self) -> list[RemainingEndpoint]:
        """
        Return the endpoints that may still exist.

        If this task has already looked for endpoints in Bedrock, these are the ones that it has not deleted yet. If it
        has not looked yet, this is the endpoint that ``provision`` bought. If ``provision`` has no result, these are
        the endpoints that it may have bought before it failed.
        """
        if self._to_delete is not None:
            return self._to_delete
        bought = self.provisioned if isinstance(self.provisioned, Mapping) else None
        if bought is None:  # `provision` has no result, but may have bought an endpoint before it failed
            place = environment_name(), self.folder.use_case_name, self.arm, self.folder.run_key
            name = throughput_names(*place, self._ordinal).name
            return [RemainingEndpoint(name, is_certain=False, kind=kind) for kind in self.kinds]
        kind = kind_of(bought)
        if not (bought_name := kind.name_in(bought)):
            return []
        price, since = bought.get("usd_per_hour"), bought.get("created")
        return [RemainingEndpoint(bought_name, kind.arn_in(bought), usd_per_hour=price, since=since, kind=kind)]

    def cost_so_far(self) -> str:
        """Return how the endpoint is billed until it is gone."""
        return "the endpoint is billed by the hour until it is gone"

    def execute(self, context: Context) -> ReleaseManifest:
        """Write the release record, delete the endpoint and wait until it is gone; return its name and hours."""
        ordinal = self._ordinal = len(self._release_records()) + 1
        endpoints, refusals = self._find_all(ordinal)
        price = self.provisioned.get("usd_per_hour") if isinstance(self.provisioned, Mapping) else None
        self._to_delete = [
            RemainingEndpoint(one.name, one.arn, usd_per_hour=price, since=one.created.isoformat(), kind=kind)
            for kind, one in endpoints
        ]
        throughputs = [released_throughput(one) for _, one in endpoints if isinstance(one, Throughput)]
        record = release_record(throughputs, now=utc_now())
        if deployments := [one.name for _, one in endpoints if isinstance(one, Deployment)]:
            record["deployments"] = deployments
        write_json(self.store, self.folder.release_record(self.arm, ordinal), record)
        for kind, endpoint in endpoints:
            delete_and_wait(self.hook, kind, endpoint.arn, wait_seconds=self.wait_seconds)
            self._to_delete.pop(0)
            self.log.info("Released %s", endpoint.name)
        if refusals:
            raise RefusedError(
                " ".join(refusal.happened for refusal in refusals),
                left="No endpoint of another owner was deleted. All endpoints of this run for the arm were deleted.",
                billed=refusals[0].billed,
                to_do=refusals[0].to_do,
                then_clear=refusals[0].then_clear,
            )
        hours = unit_hours(read_json(self.store, uri, ThroughputRelease) for uri in self._release_records())
        released: ReleaseManifest = {"released": [endpoint.name for _, endpoint in endpoints], "unit_hours": hours}
        emit(endpoint_samples(self.folder.use_case_name, self.arm, released))
        return released

    def _find_all(self, last_ordinal: int) -> tuple[list[tuple[EndpointKind, AnyEndpoint]], list[RefusedError]]:
        """
        Return every endpoint of this run for the arm, and an error for each name that another run already uses.

        :param last_ordinal: number at the end of the newest endpoint's name. All names with a number from 1 to this
            number are looked up.
        """
        endpoints: list[tuple[EndpointKind, AnyEndpoint]] = []
        refusals: list[RefusedError] = []
        for ordinal, kind in itertools.product(range(1, last_ordinal + 1), self.kinds):
            try:
                endpoint = self.ownership.find_endpoint(kind, self._endpoint_names(ordinal), arm=self.arm)
            except RefusedError as error:
                refusals.append(error)
            else:
                endpoints += [(kind, endpoint)] if endpoint else []
        return endpoints, refusals
