"""
Create and delete the endpoint of an arm that may be served on demand.

``deploy`` creates a custom model deployment, or buys provisioned throughput if ``estimate`` chose it. Endpoints are
named, checked and recorded as in :mod:`bedrock_distill.operators.serve`.
"""

from __future__ import annotations

from collections.abc import Mapping

from bedrock_distill.lifecycle.deployment_quota import QUOTA_CODE, quota_error
from bedrock_distill.lifecycle.endpoints import DEPLOYMENT, THROUGHPUT, EndpointKind
from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator, BedrockReleaseThroughputOperator
from bedrock_distill.run.task_ids import ACTIVE, DEPLOY, ON_DEMAND
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.ui.links import DEPLOYMENT_LINK, MODEL_LINK, THROUGHPUT_LINK
from include.distill.config.serving_support import may_be_on_demand
from include.distill.core.errors import ConcurrencyLimitError, NotFoundError, RefusedError
from include.distill.core.storage import read_json
from include.distill.cost.records import ServingEstimate
from include.distill.inference.records import EndpointManifest, ThroughputManifest


class BedrockDeployModelOperator(BedrockProvisionThroughputOperator):
    """
    Deploy the arm's model, unless every answer is already stored.

    The task creates a custom model deployment. It costs nothing while it is idle, and its calls are billed by the
    token. If ``estimate`` chose provisioned throughput for the arm, the task buys throughput instead. Throughput is
    billed by the hour. If an earlier version of the pipeline wrote the estimate, it contains no choice, and the task
    buys throughput. If the run already has an endpoint of either kind for the arm, the task uses that endpoint. After
    ``undeploy``, clearing this task creates a new endpoint, whose name ends in the next number.

    :param trained: manifest of the arm's task ``trained``; ``None`` for the champion. (templated)
    :return: the keys that the base class returns. If the endpoint is a deployment, the result also has
        ``deployment_name`` and ``deployment_arn``, but no ``usd_per_hour``.
    :raises RefusedError: the account has no room for another deployment, access is missing, or another run has an
        endpoint with the name that this task would use; nothing was created.
    :raises DeploymentsInProgressError: the account is already creating as many deployments at the same time as its
        quota allows; nothing was created.
    """

    operator_extra_links = (DEPLOYMENT_LINK, THROUGHPUT_LINK, MODEL_LINK)
    serving_tasks = ON_DEMAND
    _kind: EndpointKind | None = None

    def billed_now(self, error: Exception) -> str:
        """Return what the endpoint costs now: nothing for an idle deployment, a price per hour for throughput."""
        if self._kind is not DEPLOYMENT:
            return super().billed_now(error)
        if self._has_bought_nothing:
            return "Nothing by this task: no deployment was created."
        return (
            "Nothing: a deployment is billed by the token, and this task sends no calls. If the deployment was created,"
            f" it counts against the account's quota of deployments until {self.release_task} deletes it."
        )

    def cost_so_far(self) -> str:
        """Return what the log says about the cost of an endpoint that may exist by now."""
        return "nothing: a deployment is billed by the token" if self._kind is DEPLOYMENT else super().cost_so_far()

    def _choose_kind(self) -> EndpointKind:
        chosen = THROUGHPUT if self._chosen_mode == "provisioned" else DEPLOYMENT
        self._kind = self._existing_kind() or chosen
        if self._kind is not chosen:
            self.log.info("Arm %s uses the %s that the run already has.", self.arm, self._kind.noun)
        elif self._kind is THROUGHPUT:
            self.log.info("Arm %s is served by provisioned throughput, as the estimate says.", self.arm)
        return self._kind

    @property
    def _chosen_mode(self) -> str:
        """Return how to serve the arm, as ``estimate`` chose. In a DAG without ``estimate``, the use case decides."""
        try:
            estimate = read_json(self.store, self.folder.estimate, ServingEstimate)
        except NotFoundError:  # a custom DAG without the task `estimate`
            return "on_demand" if may_be_on_demand(self.use_case) else "provisioned"
        choice = estimate.get("serving", {}).get(self.arm)
        return choice["mode"] if choice else "provisioned"

    def _existing_kind(self) -> EndpointKind | None:
        """Return the kind of the endpoint that the run already has for the arm; ``None`` if it has none."""
        names = self._endpoint_names(len(self._release_records()) + 1)
        return next(
            (kind for kind in (THROUGHPUT, DEPLOYMENT) if self.ownership.find_endpoint(kind, names, arm=self.arm)), None
        )

    def _create(self, kind: EndpointKind, name: str, model_arn: str, tags: Mapping[str, str]) -> None:
        try:
            super()._create(kind, name, model_arn, tags)
        except (RefusedError, ConcurrencyLimitError) as error:
            if kind is not DEPLOYMENT or error.code != QUOTA_CODE:
                raise
            left = f"Deployment {name} does not exist. The trained model stays stored."
            raise quota_error(self.hook, name, error, left=left) from error


class BedrockUndeployModelOperator(BedrockReleaseThroughputOperator):
    """
    Delete every deployment and all throughput that the run has for the arm, and wait until they are gone.

    The task finds endpoints by name, not by the result of ``deploy``. It never deletes an endpoint with the tags of
    another run or environment. It never deletes a standing endpoint either, because standing endpoints have
    other names. The task writes the release record before it deletes anything. It costs nothing, and may run any number
    of times.

    :param provisioned: manifest of the arm's task ``deploy``; ``None`` if that task has no result. It is used only to
        name the endpoint in errors. (templated)
    :param wait_seconds: maximum number of seconds to wait until the endpoint is gone.
    :return: the keys that the base class returns; ``unit_hours`` counts only provisioned throughput.
    :raises RefusedError: an endpoint of another run or environment has a name that this run uses, or access is missing.
    :raises OutcomeError: the endpoint still exists after ``wait_seconds``.
    """

    provisioned = ResultOf[ThroughputManifest | None](DEPLOY, optional=True)
    serving_tasks = ON_DEMAND
    kinds = (THROUGHPUT, DEPLOYMENT)

    def cost_so_far(self) -> str:
        """Return what an endpoint costs until it is gone."""
        return (
            "a deployment costs nothing while it is idle; provisioned throughput is billed by the hour until it is gone"
        )


class BedrockAnswerOnDemandOperator(BedrockAnswerOperator):
    """
    Send a shard of evaluation rows to the deployment of an arm's model.

    The parameters and the result are those of the base class. The calls to a deployment are paced by its own quota and
    billed by the token, at the custom model's price. Batch jobs do not accept deployments, so each
    request is sent in a call of its own.

    :param serving: manifest of the arm's task ``active``. (templated)
    """

    serving = ResultOf[EndpointManifest | None](ACTIVE, optional=True)
    serving_tasks = ON_DEMAND
