"""
Optimize prompt templates: ask the target model, judge its answers, rewrite the template, and repeat.

The target is the simulated model that answers the same prompt through Converse, so it gives the same answer. A
rewritten template replaces the best one so far only if the mean score of its answers is higher. Bedrock does not
publish how many templates it tries. The simulator tries one for each proposal of its rewriter.

Nothing is billed here; the runner bills the use of the models when it stores the results.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from tools.aws_simulator.account.optimization_records import ModelUse, Purpose, TargetModel
from tools.aws_simulator.jobs.optimization_input import Sample, Template, fill
from tools.aws_simulator.jobs.optimization_requests import inference_arguments
from tools.aws_simulator.models.evaluator import Rated
from tools.aws_simulator.models.prompt_judge import Judgement, judge_answer, judge_by_prompt
from tools.aws_simulator.models.prompt_rewriter import propose, rounds
from tools.aws_simulator.runtime.inference import Inference

# AWS's page about evaluation methods names this model as the judge without a judge prompt. That it also rewrites the
# templates is UNVERIFIED.
SERVICE_MODEL = "anthropic.claude-sonnet-4-6"
# The simulator measures no time, so that equal jobs have equal results. The numbers are made up.
_TTFT_SECONDS, _TTFT_SECONDS_PER_TOKEN = 0.3, 0.0002


@dataclass(frozen=True)
class Answered:
    """The answer of the target model to one sample, and what the judge says about it."""

    text: str
    judgement: Judgement
    input_tokens: int
    output_tokens: int

    @property
    def ttft_seconds(self) -> float:
        """The made-up time to the first token."""
        return _TTFT_SECONDS + _TTFT_SECONDS_PER_TOKEN * self.input_tokens


@dataclass(frozen=True)
class Attempt:
    """A template, and the answers to all samples with this template."""

    template: str
    answers: list[Answered]

    @property
    def score(self) -> float:
        """The mean score of the answers."""
        return fmean(answer.judgement.score for answer in self.answers)

    def metrics(self) -> dict[str, float]:
        """Return the averages as the results show them."""
        return {
            "averageInputTokens": round(fmean(answer.input_tokens for answer in self.answers)),
            "averageOutputTokens": round(fmean(answer.output_tokens for answer in self.answers)),
            "averageScore": self.score,
            "averageTtftInSec": round(fmean(answer.ttft_seconds for answer in self.answers), 4),
        }


@dataclass
class UseCounter:
    """Counts the calls and tokens of each model, by what the job asked it for."""

    counts: dict[tuple[Purpose, str], ModelUse] = field(default_factory=dict)

    def add(self, purpose: Purpose, model: str, input_tokens: int, output_tokens: int) -> None:
        """Count one call."""
        new = ModelUse(model=model, purpose=purpose, calls=0, input_tokens=0, output_tokens=0)
        use = self.counts.setdefault((purpose, model), new)
        use["calls"] += 1
        use["input_tokens"] += input_tokens
        use["output_tokens"] += output_tokens

    def share(self, share: float) -> list[ModelUse]:
        """Return what is billed if only this share of the time for the calls had passed."""
        return [
            ModelUse(
                model=use["model"],
                purpose=use["purpose"],
                calls=int(use["calls"] * share),
                input_tokens=int(use["input_tokens"] * share),
                output_tokens=int(use["output_tokens"] * share),
            )
            for use in self.counts.values()
        ]


@dataclass(frozen=True)
class Optimization:
    """
    The optimization of one template for one model.

    :param check: is called before each call of the model, and may raise an error to end the work.
    """

    region: str
    model: TargetModel
    template: Template
    inference: Inference
    use: UseCounter
    check: Callable[[], None]

    def run(self) -> dict[str, Any]:
        """Return the entry of ``promptOptimizationResults`` for this model.

        :raises ApiError: the model refuses a prompt.
        """
        original = best = self._attempt(self.template.promptTemplate)
        for instructions in rounds(self.template.steeringCriteria):
            attempts = [self._rewritten(best, instruction) for instruction in instructions]
            best = max([best, *attempts], key=lambda attempt: attempt.score)  # the first one of those with equal scores
        samples = zip(self.template.evaluationSamples, original.answers, best.answers, strict=True)
        model_id = self.model["modelId"]
        return {
            "status": "SUCCESS",
            "optimizedPromptTemplate": best.template,
            "dataset": [_entry(sample, first, last) for sample, first, last in samples],
            "modelId": model_id,
            "optimizedPromptTemplateId": f"{self.template.templateId}-optimized-for-{model_id}",
            "originalPromptMetrics": original.metrics(),
            "optimizedPromptMetrics": best.metrics(),
        }

    def _rewritten(self, best: Attempt, instruction: str) -> Attempt:
        judged = [text for answer in best.answers for text in (answer.text, answer.judgement.text)]
        proposal = propose(best.template, instruction, judged)
        self.use.add("rewriter", SERVICE_MODEL, proposal.input_tokens, proposal.output_tokens)
        return self._attempt(proposal.template)

    def _attempt(self, template: str) -> Attempt:
        return Attempt(template, [self._answer(template, sample) for sample in self.template.evaluationSamples])

    def _answer(self, template: str, sample: Sample) -> Answered:
        self.check()
        prompt, model_id = fill(template, sample.values), self.model["modelId"]
        text, charge = self.inference.answer_prompt(self.region, model_id, prompt, inference_arguments(self.model))
        self.use.add("target", model_id, charge.input_tokens, charge.output_tokens)
        # The judge sees the original prompt, because added instructions must not change what an answer is compared to.
        asked = fill(self.template.promptTemplate, sample.values)
        judgement = self._judge(Rated(asked, text, sample.referenceResponse or None))
        return Answered(text, judgement, charge.input_tokens, charge.output_tokens)

    def _judge(self, rated: Rated) -> Judgement:
        config = self.template.customLLMJConfig
        if config is not None:
            judgement, judge = judge_by_prompt(config.customLLMJPrompt, rated), config.customLLMJModelId
        else:
            label = self.template.customEvaluationMetricLabel
            judgement, judge = judge_answer(rated, self.template.steeringCriteria, label), SERVICE_MODEL
        self.use.add("judge", judge, judgement.input_tokens, judgement.output_tokens)
        return judgement


def _entry(sample: Sample, first: Answered, last: Answered) -> dict[str, Any]:
    reference = {} if sample.referenceResponse is None else {"referenceResponse": sample.referenceResponse}
    return {
        "inputVariables": sample.inputVariables,
        **reference,
        "originalPromptDetails": {
            "originalPromptModelResponse": first.text,
            "llmjRawEvalOutputForOriginalPrompt": first.judgement.text,
            "originalPromptMetrics": _metrics(first),
        },
        "optimizedPromptDetails": {
            "optimizedPromptModelResponse": last.text,
            "llmjRawEvalOutputForOptimizedPrompt": last.judgement.text,
            "optimizedPromptMetrics": _metrics(last),
        },
    }


def _metrics(answer: Answered) -> dict[str, float]:
    return {
        "inputTokens": answer.input_tokens,
        "outputTokens": answer.output_tokens,
        "score": answer.judgement.score,
        "ttftInSec": answer.ttft_seconds,
    }
