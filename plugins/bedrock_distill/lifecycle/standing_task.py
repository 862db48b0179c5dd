"""Give a task access to the standing endpoint of its use case, and to the lock on the endpoint's changes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from bedrock_distill.lifecycle.endpoints import THROUGHPUT
from bedrock_distill.lifecycle.standing import StandingSite
from bedrock_distill.run.access import RunAccess
from bedrock_distill.run.state import state_of_run
from include.distill.config.use_case import UseCase
from include.distill.cost.prices import load_prices
from include.distill.cost.standing_price import price_question
from include.distill.evaluation.approval import PriceQuestion
from include.distill.evaluation.champion import Champion
from include.distill.evaluation.endpoint_change import Holder, IsLive
from include.distill.evaluation.records import StandingKind

if TYPE_CHECKING:
    from airflow.sdk import Context

_LIVE = ("queued", "running")


class StandingTask(RunAccess):
    """
    A mixin for the tasks that take part in a change of the standing endpoint, in a run and in a rollback.

    A rollback has no run folder, so it overrides ``root``, ``change_key`` and :meth:`smoke_usage_uri`.
    """

    @property
    def root(self) -> str:
        """The project's part of the training bucket, ``s3://<training bucket>/<prefix>``."""
        return self.folder.root

    @property
    def change_key(self) -> str:
        """The run key of the DAG run that changes the endpoint."""
        return self.folder.run_key

    def smoke_usage_uri(self, number: int) -> str | None:
        """Return where the calls of the smoke prompts are recorded for the run's bill; ``None`` if they are not."""
        return self.folder.smoke_usage(number)

    @cached_property
    def site(self) -> StandingSite:
        """Where the use case's standing endpoint and its records are."""
        return StandingSite(self.hook, self.store, self.use_case, self.root)

    def holder(self, context: Context) -> Holder:
        """Return the DAG run that holds the lock while it changes the endpoint."""
        dag_run = context["dag_run"]
        return Holder(dag_run.dag_id, dag_run.run_id, self.change_key)

    def is_live(self, context: Context) -> IsLive:
        """Return a function that takes the ids of a DAG and a run, and says whether the run is queued or running."""
        return lambda dag_id, run_id: state_of_run(dag_id, run_id, context) in _LIVE

    @property
    def standing_kind(self) -> StandingKind | None:
        """The kind of the standing endpoint; ``None`` without an endpoint, or if the use case has not been read yet."""
        use_case: UseCase | None = self.__dict__.get("use_case")
        serve = use_case.promotion.serve if use_case else "none"
        return None if serve == "none" else serve

    @property
    def usd_per_hour(self) -> float:
        """The price per hour of the standing endpoint, with as many model units as the use case asks for."""
        return self.use_case.serving.model_units * load_prices().price(self.use_case.student, "throughput_per_hour")

    def endpoint_billed(self) -> str:
        """Return what the standing endpoint costs, if it exists, as sentences."""
        if self.standing_kind == "on_demand":
            return (
                "The standing deployment is billed by the token, and not while it is idle. It counts against the"
                " account's quota of deployments."
            )
        price = " by the hour" if self.standing_kind is None else f" at ${self.usd_per_hour:,.2f} per hour"
        condition = ", if it is provisioned throughput," if self.standing_kind is None else ""
        return f"If the standing endpoint exists, it is billed{condition}{price} until a person deletes it."

    def price_question(self, kind: StandingKind, student: str, record: Champion | None) -> PriceQuestion | None:
        """
        Return the price of the standing endpoint, and whether a person must still approve it.

        The result is ``None`` if the endpoint is billed by the token.

        :param student: the base model of the model that the endpoint would serve.
        :param record: the current champion, whose record has the price that a person approved.
        """
        if kind != "provisioned":
            return None
        endpoint = self.site.find(THROUGHPUT)
        approved = record.endpoint.approved_price if record and record.endpoint else None
        return price_question(
            kind,
            student,
            units=getattr(endpoint, "units", self.use_case.serving.model_units),
            exists=endpoint is not None,
            approved_usd_per_hour=approved.usd_per_hour if approved else None,
        )


class EndpointChangeTask(StandingTask):
    """A mixin for the tasks that change the standing endpoint, wait for it, try it, or settle it."""

    def billed_now(self, error: Exception) -> str:
        """Return what the standing endpoint costs, if it exists."""
        return self.endpoint_billed()

    def cost_so_far(self) -> str:
        """Return how the standing endpoint is billed."""
        if self.standing_kind == "provisioned":
            return f"the standing endpoint is billed at ${self.usd_per_hour:,.2f} per hour until a person deletes it"
        return "nothing: a standing deployment is billed by the token"
