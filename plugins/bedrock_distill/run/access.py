"""Give tasks access to their run's files, to AWS, and to models within the quota and the spend cap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.run.approved_spending import require_approved_spending
from bedrock_distill.run.explained_task import ExplainedTask
from include.distill.config.catalog import Model, load_catalog
from include.distill.config.frozen_use_case import restore_use_case
from include.distill.config.layout import RunFolder
from include.distill.config.prompt_loader import load_prompts, read_prompts
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError, RefusedError
from include.distill.core.storage import read_json
from include.distill.cost.prices import DEPLOYED_PRICES, BillLine, load_prices
from include.distill.cost.records import BudgetEstimate
from include.distill.cost.task_budget import TaskBudget, budget_share
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.client import PoolShare, RateLimitedModel
from include.distill.inference.lost_calls import LostCalls

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.distill.config.prompts import Prompt


class RunAccess(ExplainedTask):
    """
    Give a task access to its run's folder, to the frozen use case, and to AWS. A mixin for operators and sensors.

    The task class sets ``run_uri``, ``aws_conn_id``, ``region_name``, ``bucket_owners`` and ``kms_key_arn``.
    """

    run_uri: str
    aws_conn_id: str
    region_name: str | None
    bucket_owners: Mapping[str, str] | None = None
    kms_key_arn: str | None = None
    pool: str
    pool_slots: int
    asked: RateLimitedModel | None = None

    @property
    def folder(self) -> RunFolder:
        """The folder of this run."""
        return RunFolder(self.run_uri)

    @cached_property
    def hook(self) -> BedrockDistillHook:
        """The Bedrock hook. It uses the task's connection."""
        return BedrockDistillHook(
            self.aws_conn_id,
            self.region_name,
            bucket_owners=self.bucket_owners,
            kms_key_arn=self.kms_key_arn,
        )

    @cached_property
    def store(self) -> S3ObjectStore:
        """The object store on S3. It uses the task's connection."""
        return S3ObjectStore(self.hook)

    @cached_property
    def use_case(self) -> UseCase:
        """The use case that ``preflight`` froze. A later edit of the YAML file does not affect this run."""
        use_case = restore_use_case(self.store.read(self.folder.use_case), self.folder.use_case)
        if self.folder.use_case_name not in ("", use_case.name):
            raise RefusedError(
                f"{self.folder.use_case} describes use case {use_case.name}, but is in a folder of use case"
                f" {self.folder.use_case_name}.",
                left="This task bought nothing.",
                to_do="Trigger a new run.",
            )
        return use_case

    @cached_property
    def answers(self) -> AnswerStore:
        """The stored answers of all runs. New answers are recorded as paid for by this run."""
        return AnswerStore(self.store, self.folder.responses, self.folder.run_key)

    def rate_limited_model(
        self, context: Context, *, model: str, expected: Sequence[BillLine] = (), calls: int = 1
    ) -> RateLimitedModel:
        """
        Return a client that calls models within this task's share of the quota and of the spend cap.

        All threads of the task share the client.

        :param model: the model to call, by its key in ``models.yaml``.
        :param expected: bill lines that estimate the cost of this task's calls. If there are no lines, or if the DAG
            has no task ``estimate``, spending is not capped.
        :param calls: estimated number of this task's calls.
        :raises RefusedError: the use case requires that a person approves the run's estimate, and nobody did.
        """
        require_approved_spending(self)
        ti = context["ti"]
        index = -1 if ti.map_index is None else ti.map_index
        place = PoolShare.for_task(self.pool, self.pool_slots, try_number=ti.try_number, map_index=index)
        budget = self._task_budget(model, expected, calls) if expected else None
        task = f"{ti.task_id} {index}"
        lost_calls = LostCalls(self.store, self.folder.lost_calls, task, max_tries=ti.max_tries)
        self.asked = RateLimitedModel(self.answers, self.hook, self.use_case, place, budget, lost_calls=lost_calls)
        return self.asked

    def _task_budget(self, model: str, expected: Sequence[BillLine], calls: int) -> TaskBudget | None:
        try:
            estimate = read_json(self.store, self.folder.estimate, BudgetEstimate)
        except NotFoundError:  # a custom DAG without the task `estimate`
            return None
        share = budget_share(expected, estimate, cap_usd=self.use_case.max_spend_usd, calls=calls)
        prices = load_prices()
        return TaskBudget(
            share,
            prices.token_prices(model),
            self.folder.run_key,
            prices.token_prices(model, batch=True),
            prices.token_prices(model, deployed=True) if prices.has(model, *DEPLOYED_PRICES) else None,
        )

    def model(self, key: str) -> Model:
        """Return the model that has this key in the catalog."""
        return load_catalog().model(key)

    @cached_property
    def prompts(self) -> dict[str, Prompt]:
        """The prompts that ``preflight`` froze. A later edit of a prompt file does not affect this run."""
        if self.store.exists(self.folder.prompts):
            return read_prompts(self.store, self.folder.prompts)
        return load_prompts(self.use_case.prompts, self.store)[1]  # an older version stored no prompts

    def prompt(self, name: str) -> Prompt:
        """Return a prompt by its name in the use case."""
        return self.prompts[name]


def require_run_uri(task_id: str, run_uri: str) -> None:
    """Raise an error while the DAG is parsed if a task has no ``run_uri``. DAGs set it once, in ``default_args``."""
    if not run_uri:
        message = (
            f"{task_id}: run_uri is missing. The DAG was not created. Set run_uri in the task or in the"
            " DAG's default_args."
        )
        raise ValueError(message)
