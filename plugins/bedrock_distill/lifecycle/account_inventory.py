"""List everything in an account and Region that a clean-up may delete: endpoints, models, jobs, roots and buckets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bedrock_distill.hooks.bedrock import BedrockDistillHook, Throughput
from bedrock_distill.hooks.evaluations import EvaluationJobs
from bedrock_distill.hooks.named_jobs import ListedJob as JobInBedrock
from bedrock_distill.hooks.prompt_optimizations import LIST_OPERATION, PromptOptimizationJobs
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.lifecycle.endpoints import ENDPOINT_KINDS
from bedrock_distill.run.state import run_state, state_of_run
from include.distill.cleanup.choice import CleanUpChoice
from include.distill.cleanup.expiry import LIVE_STATES, PROJECT_TAG
from include.distill.cleanup.listing import list_project_root
from include.distill.cleanup.plan import Inventory, ListedBucket, ListedEndpoint, ListedJob, ListedModel, ResourceKind
from include.distill.config.environment import environment_name
from include.distill.config.layout import Layout
from include.distill.config.loader import UseCases
from include.distill.config.prompt_optimization import REGIONS
from include.distill.config.run_record import RunRecord
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError
from include.distill.core.naming import label_dag_id

if TYPE_CHECKING:
    from airflow.sdk import Context


@dataclass(frozen=True)
class Account:
    """A connection and a Region, with the chosen use cases that use this connection in this Region."""

    hook: BedrockDistillHook
    store: S3ObjectStore
    use_cases: Sequence[UseCase]


def list_account(account: Account, use_cases: UseCases, choice: CleanUpChoice, context: Context) -> Inventory:
    """List all resources in one account and Region that a clean-up may delete."""
    roots: dict[str, set[str]] = {}
    buckets: dict[str, set[str]] = {}
    environment = environment_name()
    for use_case in use_cases.valid:
        for root_uri in Layout(use_case.storage).roots:
            roots.setdefault(root_uri, set()).add(use_case.name)
        for bucket in use_case.storage.buckets:
            buckets.setdefault(bucket, set()).add(use_case.name)
    here = {use_case.name for use_case in account.use_cases}
    this_run = (context["ti"].dag_id, context["ti"].run_id)

    def state_of(run: RunRecord) -> str | None:
        return state_of_run(run["dag_id"], run["run_id"], context)

    listed_roots = {
        uri: list_project_root(account.store, uri, frozenset(names), environment, state_of, this_run)
        for uri, names in roots.items()
        if names & here
    }
    return Inventory(
        environment=environment,
        endpoints=list(_endpoints(account.hook, context)),
        models=list(_models(account.hook, context)),
        jobs=list(_jobs(account, choice, context)),
        roots=[root for root in listed_roots.values() if root],
        missing_roots=[uri for uri, root in listed_roots.items() if root is None],
        buckets=[
            listed
            for name, names in buckets.items()
            if name in choice.named_buckets and names & here
            if (listed := _bucket(account.store, name, frozenset(names)))
        ],
        use_cases=frozenset(here),
        labeled=frozenset(
            name for name in here if context["ti"].get_dr_count(label_dag_id(name), states=sorted(LIVE_STATES))
        ),
        broken=use_cases.problems,
    )


def _endpoints(hook: BedrockDistillHook, context: Context) -> Iterator[ListedEndpoint]:
    for endpoint in (endpoint for kind in ENDPOINT_KINDS for endpoint in kind.list(hook)):
        tags = _tags(hook, endpoint.arn)
        if tags is not None:
            yield ListedEndpoint(
                endpoint.name,
                endpoint.arn,
                endpoint.created,
                tags,
                _state_of_our_run(tags, context),
                endpoint.model_arn,
                endpoint.units if isinstance(endpoint, Throughput) else 0,
                training_uri=_training_uri(hook, endpoint.model_arn, tags),
            )


def _models(hook: BedrockDistillHook, context: Context) -> Iterator[ListedModel]:
    for model in hook.list_custom_models():
        tags = _tags(hook, model.arn)
        if tags is not None:
            uri = hook.training_data_of_model(model.arn) if _may_be_ours(tags) else None
            state = _state_of_our_run(tags, context)
            yield ListedModel(model.name, model.arn, model.created, tags, state, training_uri=uri)


def _jobs(account: Account, choice: CleanUpChoice, context: Context) -> Iterator[ListedJob]:
    """Yield the jobs of the kinds that the form or a use case asks for. Roles of earlier versions may not list them."""
    if _has_evaluations(account, choice):
        jobs = EvaluationJobs(account.hook).list()
        yield from _listed_jobs(account.hook, ResourceKind.EVALUATION_JOB, jobs, context)
    if _has_optimizations(account, choice):
        jobs = PromptOptimizationJobs(account.hook).list()
        yield from _listed_jobs(account.hook, ResourceKind.OPTIMIZATION_JOB, jobs, context)


def _has_evaluations(account: Account, choice: CleanUpChoice) -> bool:
    sections = [use_case.evaluations for use_case in account.use_cases]
    return choice.evaluation_jobs or any(section.pointwise or section.human for section in sections)


def _has_optimizations(account: Account, choice: CleanUpChoice) -> bool:
    """Return whether to list prompt optimization jobs, which only some Regions and SDKs of the last months have."""
    if not account.hook.has_operation("bedrock", LIST_OPERATION):
        return False  # with this SDK, no run can have bought such a job
    is_offered = {use_case.aws.region for use_case in account.use_cases} <= set(REGIONS)
    return (choice.optimization_jobs and is_offered) or any(use_case.optimized_arms for use_case in account.use_cases)


def _listed_jobs(
    hook: BedrockDistillHook, kind: ResourceKind, jobs: Iterable[JobInBedrock], context: Context
) -> Iterator[ListedJob]:
    for job in jobs:
        tags = _tags(hook, job.arn)
        if tags is not None:
            state = _state_of_our_run(tags, context)
            yield ListedJob(job.name, job.arn, job.created, tags, state, kind=kind, status=job.status)


def _tags(hook: BedrockDistillHook, arn: str) -> dict[str, str] | None:
    """Return the tags, or ``None`` if the resource was deleted after it was listed."""
    try:
        return hook.tags(arn)
    except NotFoundError:
        return None


def _state_of_our_run(tags: Mapping[str, str], context: Context) -> str | None:
    """Return the state of the run that bought a resource; ``None`` if the resource is not ours."""
    return run_state(tags, context) if _may_be_ours(tags) else None


def _may_be_ours(tags: Mapping[str, str]) -> bool:
    return tags.get("project") == PROJECT_TAG and tags.get("environment") in (None, environment_name())


def _training_uri(hook: BedrockDistillHook, model_arn: str, tags: Mapping[str, str]) -> str | None:
    """
    Return the URI of a model's training data if version 0.1 of this pipeline wrote the tags, otherwise ``None``.

    The tags of version 0.1 do not name an environment. So only the training data shows whose model it is.
    """
    is_former = tags.get("project") == PROJECT_TAG and "environment" not in tags
    return hook.training_data_of_model(model_arn) if is_former else None


def _bucket(store: S3ObjectStore, name: str, use_cases: frozenset[str]) -> ListedBucket | None:
    tags = store.bucket_tags(name)
    if tags is None:
        return None
    uris = frozenset(store.list(f"s3://{name}/"))
    return ListedBucket(name, tags, versioned=store.has_versions(name), use_cases=use_cases, uris=uris)
