"""
List what the pipeline left behind in AWS, then delete it.

Each operator lists all resources itself and plans by the same rules (:mod:`include.distill.cleanup.rules`). Resources
that are newer than the list that a person saw are kept. Nothing is deleted until every listing has succeeded.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException, DownstreamTasksSkipped

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.lifecycle.account_inventory import Account, list_account
from bedrock_distill.lifecycle.endpoints import DEPLOYMENT, ENDPOINT_KINDS, THROUGHPUT, delete_and_wait
from bedrock_distill.lifecycle.job_removal import JOB_REMOVALS
from bedrock_distill.lifecycle.standing_removal import standing_removal
from bedrock_distill.run.configuration import configuration_of
from bedrock_distill.run.explained_task import ExplainedTask
from bedrock_distill.run.own_folder import run_identity
from bedrock_distill.run.state import state_of_run
from include.distill.cleanup.choice import ALL_USE_CASES, CleanUpChoice, parse_clean_up_choice
from include.distill.cleanup.expiry import LIVE_STATES
from include.distill.cleanup.plan import BY_HAND, CleanUpPlan, ListedEndpoint, PlanItem, ResourceKind, count_by_kind
from include.distill.cleanup.records import CleanUpManifest, LeftoversManifest
from include.distill.cleanup.rules import plan_clean_up
from include.distill.cleanup.summary import plan_summary, plan_table, totals
from include.distill.config.environment import environment_name
from include.distill.config.loader import USE_CASES_FOLDER, UseCases, load_use_cases
from include.distill.config.use_case import UseCase
from include.distill.core.errors import FAILED_TASK, ContractError, DistillError, InputError, OutcomeError
from include.distill.core.naming import run_key
from include.distill.core.storage import write_json
from include.distill.cost.prices import load_prices
from include.distill.cost.records import ReleasedThroughput
from include.distill.cost.throughput_hours import release_record
from include.distill.evaluation.endpoint_change import Holder

if TYPE_CHECKING:
    from airflow.sdk import Context


class CleanUpOperator(ExplainedTask, BaseOperator):
    """
    Base class of the operators of ``distill_clean_up``. It reads the form, lists resources and plans the deletion.

    :param use_cases: the folder of use cases, which name the accounts and buckets to list.
    """

    waits_for = "the clean-up: listing resources, and deleting those that the form names"

    def __init__(self, *, use_cases: Path = USE_CASES_FOLDER, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_cases = use_cases
        self.deleted: Counter[str] = Counter()
        self.not_deleted: list[str] = []

    def state_left(self, error: Exception) -> str:
        """Return what was deleted."""
        return f"Deleted before the error: {totals(self.deleted)}. Everything else is unchanged."

    def billed_now(self, error: Exception) -> str:
        """Return a sentence about billing: the resources that still exist are billed as before."""
        return (
            "Nothing by this task. What still exists is billed as before: throughput by the hour, models and objects by"
            " the month, and calls to deployments by the token."
        )

    def without_airflow(self, error: Exception) -> str:
        """Return how a person deletes the resources that this task could not delete."""
        return " ".join(self.not_deleted)

    def after_wrong_input(self, error: Exception) -> str:
        """Return what to do if the form is wrong: trigger a new run. A cleared task gets the same form again."""
        return (
            f"Trigger a new run of {self.dag_id} with a corrected form. Clearing a task keeps the form values of this"
            " run."
        )

    def progress(self) -> str:
        """Return what was deleted so far."""
        return f"deleted: {totals(self.deleted)}" if self.deleted else ""

    def connect(self, use_case: UseCase) -> tuple[BedrockDistillHook, S3ObjectStore]:
        """Return clients for Bedrock and S3 that use the use case's connection."""
        aws = use_case.aws
        hook = BedrockDistillHook(
            aws.clean_up_connection,
            aws.region,
            bucket_owners=use_case.bucket_owners,
            kms_key_arn=use_case.storage.kms_key_arn,
        )
        return hook, S3ObjectStore(hook)

    def now(self) -> datetime.datetime:
        """Return the current time, in UTC."""
        return datetime.datetime.now(datetime.UTC)

    def _plans(
        self, choice: CleanUpChoice, now: datetime.datetime, context: Context
    ) -> list[tuple[Account, CleanUpPlan]]:
        """List the resources of all accounts, then plan what to delete. If a listing fails, nothing is deleted."""
        # If the environment has no name, no use case is valid. The error then says what to do.
        environment_name()
        use_cases = load_use_cases(self.use_cases)
        chosen = _chosen(use_cases, choice)
        _refuse_unknown_buckets(chosen, choice)
        listed = [(account, list_account(account, use_cases, choice, context)) for account in self._accounts(chosen)]
        plans = [(account, plan_clean_up(inventory, choice, now=now)) for account, inventory in listed]
        for _, plan in plans:
            for line in plan_table(plan):
                self.log.info("%s", line)
        prices = load_prices()
        summary = plan_summary(
            [plan for _, plan in plans],
            dry_run=choice.dry_run,
            # An unknown price is left out, so that it does not stop the task.
            usd_per_unit_hour={
                one.name: prices.price(one.student, "throughput_per_hour")
                for one in use_cases.valid
                if "throughput_per_hour" in prices.models.get(one.student, {})
            },
            usd_per_model_month=prices.model_per_month,
        )
        for line in summary:
            self.log.info("%s", line)
        return plans

    def _accounts(self, chosen: Sequence[UseCase]) -> Iterator[Account]:
        places: dict[tuple[str, str], list[UseCase]] = {}
        for use_case in chosen:
            places.setdefault((use_case.aws.clean_up_connection, use_case.aws.region), []).append(use_case)
        for here in places.values():
            yield Account(*self.connect(here[0]), here)


class ListLeftoversOperator(CleanUpOperator):
    """
    List what the pipeline left behind in AWS, and log what would be deleted, what would be kept, and why.

    The task only reads from AWS, and costs nothing. With ``dry_run`` in the form, the next task is skipped.

    :return: ``{"as_of": str, "dry_run": bool, "delete": {kind: number}, "left": {kind: number}}``
    :raises InputError: the form names an unknown use case or bucket; nothing was deleted.
    """

    ui_color = "#e8f0fe"
    inherits_from_skipmixin = True

    def execute(self, context: Context) -> LeftoversManifest:
        """List, plan and log the plan; in a dry run, skip the downstream tasks."""
        choice = parse_clean_up_choice(configuration_of(context))
        now = self.now()
        plans = self._plans(choice, now, context)
        manifest: LeftoversManifest = {
            "as_of": now.isoformat(),
            "dry_run": choice.dry_run,
            "delete": dict(count_by_kind(item for _, plan in plans for item in plan.to_delete)),
            "left": dict(count_by_kind(item for _, plan in plans for item in plan.to_keep)),
        }
        if choice.dry_run:
            context["ti"].xcom_push(key="return_value", value=manifest)
            raise DownstreamTasksSkipped(tasks=sorted(self.downstream_task_ids))
        return manifest


class DeleteLeftoversOperator(CleanUpOperator):
    """
    Delete the listed resources: first endpoints, then models, then objects, then the buckets named in the form.

    The task waits until endpoints are gone before it deletes models. If a resource of one kind could not be deleted,
    all resources of later kinds are kept. The task costs nothing. Retrying or clearing the task lists again and deletes
    the remaining resources, but keeps resources that are newer than the first list.

    :param listed: manifest of the task ``list_leftovers``. (templated)
    :param wait_seconds: maximum number of seconds to wait until a deleted endpoint is gone.
    :return: ``{"deleted": {kind: number}, "left": {kind: number}}``
    :raises OutcomeError: a resource could not be deleted; the message names it, and says what may still be billed.
    :raises ContractError: ``list_leftovers`` has no result, for example because a person marked it as successful.
    """

    template_fields: Sequence[str] = ("listed",)
    ui_color = "#fce8e6"

    def __init__(self, *, listed: Any, wait_seconds: float = 900, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.listed: LeftoversManifest | None = listed
        self.wait_seconds = wait_seconds

    def execute(self, context: Context) -> CleanUpManifest:
        """List again and delete kind by kind; return the numbers of deleted and kept resources."""
        self.deleted.clear()
        self.not_deleted.clear()
        choice = parse_clean_up_choice(configuration_of(context))
        if choice.dry_run:
            raise AirflowSkipException("Dry run: nothing is deleted.")
        if not self.listed:
            raise ContractError(
                "list_leftovers has no result, so nobody has seen what would be deleted. A person may have marked the"
                " task as successful.",
                left="Nothing was deleted.",
                to_do="Clear list_leftovers with downstream. Clearing costs nothing.",
            )
        plans = self._plans(choice, datetime.datetime.fromisoformat(self.listed["as_of"]), context)
        left = count_by_kind(item for _, plan in plans for item in plan.to_keep)
        for kind in ResourceKind:
            failures = []
            for account, item in [(account, item) for account, plan in plans for item in plan.deletions(kind)]:
                try:
                    is_gone = self._delete(account, item, context)
                except DistillError as error:
                    failures.append(f"{kind} {item.name}: {error.happened}")
                    self.not_deleted += _by_hand(account, item)
                    continue
                (self.deleted if is_gone else left)[str(kind)] += 1
            if failures:
                raise _failure(failures)
        self.log.info("Deleted: %s. Kept: %s.", totals(self.deleted), totals(left))
        return {"deleted": dict(self.deleted), "left": dict(left)}

    def _delete(self, account: Account, item: PlanItem, context: Context) -> bool:
        """Delete one resource. Return ``False`` if Bedrock reports that the resource is in use."""
        if item.endpoint and item.root:
            holder = _holder(context)
            live = partial(_is_live, context)
            with standing_removal(account.store, item.root, item.endpoint, holder, is_live=live):
                self._release(account, item, item.endpoint)
        elif item.endpoint:
            self._release(account, item, item.endpoint)
        elif item.kind is ResourceKind.CUSTOM_MODEL:
            if not account.hook.delete_custom_model(item.arn):
                self.log.info("Kept %s %s: Bedrock reports that it is in use", item.kind, item.name)
                return False
        elif delete_job := JOB_REMOVALS.get(item.kind):
            if reason := delete_job(account.hook, account.store, item.arn):
                self.log.info("Kept %s %s: %s", item.kind, item.name, reason)
                return False
        else:
            account.store.delete_all(item.uris)
            account.store.delete_all(item.marks)
        if item.kind is ResourceKind.BUCKET:
            account.store.delete_bucket(item.name)
        self.log.info("Deleted %s %s", item.kind, item.name)
        return True

    def _release(self, account: Account, item: PlanItem, endpoint: ListedEndpoint) -> None:
        kind = next(kind for kind in ENDPOINT_KINDS if kind.noun == endpoint.kind)
        if item.release_record:
            record: ReleasedThroughput = {
                "name": endpoint.name,
                "created": endpoint.created.isoformat(),
                "units": endpoint.units,
            }
            release = release_record([record] if kind is THROUGHPUT else [], now=self.now())
            if kind is DEPLOYMENT:
                release["deployments"] = [endpoint.name]
            write_json(account.store, item.release_record, release)
        delete_and_wait(account.hook, kind, endpoint.arn, wait_seconds=self.wait_seconds)


def _holder(context: Context) -> Holder:
    run = run_identity(context)
    return Holder(run.dag_id, run.run_id, run_key(run.dag_id, run.run_id))


def _is_live(context: Context, dag_id: str, run_id: str) -> bool:
    return state_of_run(dag_id, run_id, context) in LIVE_STATES


def _by_hand(account: Account, item: PlanItem) -> list[str]:
    """Return how a person deletes a resource that is billed by time or counts against a quota."""
    if item.kind not in BY_HAND:
        return []
    ways = BY_HAND[item.kind].ways(item.arn, account.use_cases[0].aws.region)
    purpose = "continue" if item.kind is ResourceKind.DEPLOYMENT else "stop the billing"
    return [f"To {purpose} without Airflow, delete {item.kind} {item.name} {ways}."]


def _failure(failures: Sequence[str]) -> OutcomeError:
    listed = "\n".join(f"  {number}. {failure}" for number, failure in enumerate(failures, start=1))
    return OutcomeError(
        f"Resources that could not be deleted ({len(failures)}):\n{listed}",
        left="All resources of the kinds that come later in the order of deletion were kept.",
        billed="Throughput that still exists is billed by the hour. A deployment is not billed while it is idle.",
        then_clear=FAILED_TASK,
    )


def _chosen(use_cases: UseCases, choice: CleanUpChoice) -> list[UseCase]:
    chosen = [use_case for use_case in use_cases.valid if choice.wants(use_case.name)]
    if not chosen:
        names = ", ".join([ALL_USE_CASES, *(use_case.name for use_case in use_cases.valid)])
        raise InputError(
            f"Use case {choice.use_case!r} is unknown.",
            left="Nothing was deleted.",
            to_do=f"Trigger the DAG again with one of: {names}.",
        )
    return chosen


def _refuse_unknown_buckets(chosen: Sequence[UseCase], choice: CleanUpChoice) -> None:
    names = {bucket for use_case in chosen for bucket in use_case.storage.buckets}
    if unknown := sorted(choice.named_buckets - names):
        raise InputError(
            f"The form names unknown buckets to delete: {', '.join(unknown)}. The buckets of the chosen use cases are"
            f" {', '.join(sorted(names))}.",
            left="Nothing was deleted.",
            to_do="Trigger the DAG again with the exact names.",
        )
