"""Try the standing endpoint with a few prompts before the change is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from bedrock_distill.lifecycle.standing import confirm
from bedrock_distill.lifecycle.standing_task import EndpointChangeTask
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.run.task_ids import SETTLE, SWITCH, SWITCHED
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.ui.links import STANDING_LINK
from include.distill.config.catalog import Model
from include.distill.config.layout import smoke_prompts_uri
from include.distill.core.errors import ContractError, RefusedError, SmokeFailedError
from include.distill.core.storage import read_json, write_json
from include.distill.cost.prices import load_prices
from include.distill.cost.smoke_usage import smoke_lines
from include.distill.evaluation.endpoint_records import (
    SmokeManifest,
    SmokePrompt,
    SmokePrompts,
    SmokeUsage,
    SwitchManifest,
)
from include.distill.evaluation.smoke_prompts import smoke_problem, smoke_request
from include.distill.inference.lost_calls import LostCalls
from include.distill.inference.paced_client import PacedClient
from include.distill.inference.rate_limits import Quota

if TYPE_CHECKING:
    from airflow.sdk import Context


class SmokeTask(EndpointChangeTask):
    """A mixin for the tasks that try a standing endpoint. ``switched`` is the manifest of the task ``switched``."""

    switched = ResultOf[SwitchManifest](SWITCHED, sibling=False)
    waits_for = "the standing endpoint to answer the smoke prompts"
    _usage: SmokeUsage | None = None

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: the champion is unchanged, and ``settle`` cleans up."""
        return f"The champion is unchanged. {SETTLE} runs next and brings the standing endpoint back to the champion."

    def billed_now(self, error: Exception) -> str:
        """Return what the calls so far have cost, and what the endpoint costs."""
        calls = self._usage["calls"] if self._usage else 0
        return f"The tokens of the calls so far ({calls}), ${self._usd():.6f}. {self.endpoint_billed()}"

    def execute(self, context: Context) -> SmokeManifest:
        """Send every prompt to the endpoint; return how many calls were made."""
        switched = self.switched
        confirm(self.site, switched, self.holder(context))
        prompts = read_json(self.store, smoke_prompts_uri(self.root, self.use_case.name), SmokePrompts)["prompts"]
        model, arn = self.model(switched["student"]), switched["arn"]
        assert arn is not None  # noqa: S101 - `switched` ends only with an ARN
        self._usage = self._earlier_usage(model)
        client = self._client(model, context)
        for number, prompt in enumerate(prompts, start=1):
            problem = self._try(client, prompt, model, arn)
            if problem:
                raise self._failed(prompt, problem, number, len(prompts))
        self.log.info("%s answered all %s smoke prompts with %s.", arn, len(prompts), switched["model_arn"])
        return {
            "arn": arn,
            "model_arn": switched["model_arn"],
            "number": switched["number"],
            "calls": self._usage["calls"],
            "usd": self._usd(),
        }

    def _client(self, model: Model, context: Context) -> PacedClient:
        """Return a client that keeps to the deployment's own quota. Provisioned throughput has no quota to keep to."""
        stated = model.customization.deployment_quota if model.customization else None
        is_billed = self.switched["kind"] == "on_demand"
        quota = Quota(stated.requests_per_minute, stated.tokens_per_minute) if stated and is_billed else Quota()
        ti, lost = context["ti"], None
        if is_billed and self.smoke_usage_uri(self.switched["number"]):
            lost = LostCalls(self.store, self.folder.lost_calls, f"{ti.task_id} -1", max_tries=ti.max_tries)
        patience = self.use_case.fan_out.patience_seconds
        return PacedClient(self.hook, quota, concurrency=1, patience_seconds=patience, lost_calls=lost)

    def _try(self, client: PacedClient, prompt: SmokePrompt, model: Model, arn: str) -> str | None:
        """Send one prompt, and count the call; return what is wrong with the answer."""
        request = smoke_request(prompt, model=model, model_arn=self.switched["model_arn"], endpoint_arn=arn)
        try:
            with client.answer(request) as answer:
                completion = answer
        except (RefusedError, ContractError) as error:
            return f"Bedrock answered with an error ({error.code or type(error).__name__})"
        self._count(completion.input_tokens, completion.output_tokens)
        problem = smoke_problem(completion)
        return f"the answer {problem}" if problem else None

    def _failed(self, prompt: SmokePrompt, problem: str, number: int, prompts: int) -> SmokeFailedError:
        return SmokeFailedError(
            f"Standing endpoint {self.switched['name']} failed smoke prompt {number} of {prompts}, for row"
            f" {prompt['row_id']}: {problem}.",
            left=self.state_left(SmokeFailedError("")),
            billed=self.billed_now(SmokeFailedError("")),
            to_do="Look at the model's answers in the report, in particular at its answer to this row.",
            then_clear=f"{SWITCH} with downstream",
            effect="puts the model behind the endpoint again and repeats the calls",
        )

    def _earlier_usage(self, model: Model) -> SmokeUsage:
        """Return the calls of earlier attempts, so that the bill includes them."""
        usage: SmokeUsage = {
            "model": model.key,
            "deployed": self.switched["kind"] == "on_demand",
            "calls": 0,
            "input_tokens": 0,
            "output_tokens": 0,
        }
        uri = self.smoke_usage_uri(self.switched["number"])
        return read_json(self.store, uri, SmokeUsage) if uri and self.store.exists(uri) else usage

    def _count(self, input_tokens: int, output_tokens: int) -> None:
        assert self._usage is not None  # noqa: S101 - set before the first call
        self._usage["calls"] += 1
        self._usage["input_tokens"] += input_tokens
        self._usage["output_tokens"] += output_tokens
        if uri := self.smoke_usage_uri(self.switched["number"]):
            write_json(self.store, uri, self._usage)

    def _usd(self) -> float:
        lines = smoke_lines(self._usage, load_prices()) if self._usage else []
        return sum(line.quantity * line.unit_price_usd for line in lines)


def passed_smoke_test(model_arn: str, switched: SwitchManifest | None, smoked: SmokeManifest | None) -> bool:
    """
    Return whether a model has passed the smoke test of a change.

    :param switched: the result of ``switched``.
    :param smoked: the result of ``smoke``. It may belong to another change if a person has marked tasks by hand.
    """
    if not switched or not smoked or switched["model_arn"] != model_arn:
        return False
    keys: tuple[Literal["model_arn", "arn", "number"], ...] = ("model_arn", "arn", "number")
    return all(smoked[key] == switched[key] for key in keys)


class SmokeTestOperator(SmokeTask, DistillOperator):
    """
    Send the smoke prompts to the standing endpoint, which already answers with the winner.

    Every answer must have ended normally and must not be blank. The texts are not compared with anything. The stored
    answers are not used, because they do not show that the endpoint works. If an answer is bad, the task fails
    without a retry, and ``settle`` puts the recorded champion behind the endpoint again. A deployment's tokens are
    billed; they are counted in ``standing/smoke-<n>.json`` of the run's folder. A retry sends all prompts again.

    :param switched: manifest of the task ``switched``. (templated)
    :return: ``{"arn", "model_arn", "number", "calls", "usd"}``
    :raises SmokeFailedError: an answer is blank, was cut off, or is an error.
    :raises PromotionError: the endpoint does not answer with the winner any more.
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "switched")
    operator_extra_links = (STANDING_LINK,)
    ui_color = "#e0f2f1"

    def __init__(self, *, switched: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.switched = switched
