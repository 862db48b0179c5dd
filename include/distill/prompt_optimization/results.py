"""
Read the optimized prompt in the output of a prompt optimization job.

Format: https://docs.aws.amazon.com/bedrock/latest/userguide/advanced-prompt-optimization-results.html

The output is not trusted, because models wrote parts of it. Unknown keys are ignored. No message quotes a prompt or an
answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NoReturn

from include.distill.config.placeholders import template_problem
from include.distill.core.errors import FAILED_TASK, ContractError, JobFailedError
from include.distill.core.job_failures import stated_reason
from include.distill.core.naming import content_hash
from include.distill.inference.quoted_requests import escaped
from include.distill.prompt_optimization.plan import OptimizationPlan
from include.distill.prompt_optimization.records import OptimizationResultManifest, OptimizedPrompt, PromptFigures

FILE = "advanced_prompt_optimization_results.jsonl"
SUCCESS, FAILED = "SUCCESS", "FAILED"


def results_uri(result: OptimizationResultManifest) -> str:
    """Return the URI of the file in which a job stores its result."""
    job_id = result["job_arn"].rpartition("/")[2]
    return f"{result['output_uri'].rstrip('/')}/{job_id}/{FILE}"


def prompt_version(text: str) -> str:
    """Return the first 12 hex digits of the sha256 of an optimized prompt."""
    return content_hash(text.encode("utf-8", "surrogatepass"))[:12]


def read_result(
    body: bytes, *, uri: str, result: OptimizationResultManifest, plan: OptimizationPlan, judge: str
) -> OptimizedPrompt:
    """
    Return the optimized prompt in the output of a job, with what the job measured.

    :param body: the content of the file at ``uri``.
    :param plan: what was asked for.
    :param judge: key of the model that judged the answers.
    :raises ContractError: the file does not have the documented form, or is about another model. It names the line.
    :raises JobFailedError: the job did not optimize the prompt, or the optimized prompt cannot be used.
    """
    output = _Output(uri, result)
    record = output.record(body)
    entry = output.entry(record, plan.model["modelId"])
    return {
        "arm": result["arm"],
        "job_name": result["job_name"],
        "job_arn": result["job_arn"],
        "samples": plan.samples,
        "judge": judge,
        "original": plan.record["promptTemplate"],
        "optimized": output.optimized(entry),
        "before": _figures(entry.get("originalPromptMetrics")),
        "after": _figures(entry.get("optimizedPromptMetrics")),
    }


@dataclass
class _Output:
    """The output of a job. ``line`` is the number of the line that is being read."""

    uri: str
    result: OptimizationResultManifest
    line: int = 0

    def record(self, body: bytes) -> dict[str, object]:
        """Return the only record in the file."""
        lines = [(number, text) for number, text in enumerate(body.split(b"\n"), start=1) if text.strip()]
        if not lines:
            self._refuse("the file is empty")
        self.line = lines[0][0]
        try:
            record = json.loads(lines[0][1])
        except (ValueError, RecursionError):
            self._refuse("the line is not JSON")
        if len(lines) > 1:
            self.line = lines[1][0]
            self._refuse(f"the file has {len(lines)} lines with text; expected one, for the only prompt of the job")
        return self._object(record, "the line")

    def entry(self, record: dict[str, object], model_id: str) -> dict[str, object]:
        """Return the successful result for a model."""
        results = record.get("promptOptimizationResults")
        if not isinstance(results, list):
            self._refuse("promptOptimizationResults is not a list")
        entries = [self._object(one, "an entry of promptOptimizationResults") for one in results]
        found = [one for one in entries if _is_model(one.get("modelId"), model_id)]
        if len(found) != 1:
            others = sorted({escaped(str(one.get("modelId"))[:100]) for one in entries})
            listed = f" The file names {', '.join(others[:3])}." if others else ""
            self._refuse(f"promptOptimizationResults has {len(found)} results for {model_id}; expected one.{listed}")
        status = found[0].get("status")
        if status == FAILED:
            reason = found[0].get("failureReason")
            raise self._failure(
                f"did not optimize the prompt: {escaped(stated_reason(reason if isinstance(reason, str) else None))}"
            )
        if status != SUCCESS:
            self._refuse(f"status is {escaped(str(status)[:40])!r}; expected {SUCCESS!r} or {FAILED!r}")
        return found[0]

    def optimized(self, entry: dict[str, object]) -> str:
        """Return the optimized prompt. Lone surrogates, which UTF-8 cannot encode, become question marks."""
        text = entry.get("optimizedPromptTemplate")
        if not isinstance(text, str):
            self._refuse("optimizedPromptTemplate is not a text")
        prompt = text.encode("utf-8", "replace").decode()
        if problem := template_problem(prompt):
            raise self._failure(f"wrote a prompt that cannot be used: {problem}")
        return prompt

    def _object(self, value: object, what: str) -> dict[str, object]:
        if not isinstance(value, dict):
            self._refuse(f"{what} is not a JSON object")
        return value

    def _refuse(self, problem: str) -> NoReturn:
        place = f"{self.uri}, line {self.line}" if self.line else self.uri
        raise ContractError(
            f"The result of prompt optimization job {self.result['job_name']} for arm {self.result['arm']} cannot be"
            f" read: {place}: {problem}",
            left="The job and its output were not changed, and this task stored no prompt.",
            billed="The job is paid for. Reading its output costs nothing.",
            to_do="If the file was deleted or changed, restore it. Otherwise, compare it with"
            " https://docs.aws.amazon.com/bedrock/latest/userguide/advanced-prompt-optimization-results.html.",
            then_clear=FAILED_TASK,
            effect="reads the file again",
        )

    def _failure(self, problem: str) -> JobFailedError:
        return JobFailedError(
            f"Prompt optimization job {self.result['job_name']} for arm {self.result['arm']} {problem}"
            f" ({self.uri}, line {self.line}).",
            left="The job is not running. Its output was not changed, and this task stored no prompt.",
            billed="The tokens that the job used are billed. Nothing else was bought.",
            to_do="The same input would not be bought again. Change the prompt, prompts.instruction or"
            " prompt_optimization in the use case, such as the number of samples, or remove the arm.",
            then_clear="preflight with downstream",
            effect="buys a job for the changed input",
        )


def _is_model(found: object, model_id: str) -> bool:
    """Return whether the output names the model that was asked for, by its id or by an ARN that ends in the id."""
    return isinstance(found, str) and (found == model_id or found.endswith(f"/{model_id}"))


def _figures(metrics: object) -> PromptFigures:
    return {
        "score": _number(metrics, "averageScore", highest=1.0),
        "input_tokens": _number(metrics, "averageInputTokens"),
        "output_tokens": _number(metrics, "averageOutputTokens"),
    }


def _number(metrics: object, name: str, highest: float = 1e9) -> float | None:
    """Return a figure of the output; ``None`` if it is missing or out of range."""
    value = metrics.get(name) if isinstance(metrics, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
        return None
    return float(value)
