"""
Let models answer the prompts of an evaluation job, and let the evaluator models rate the responses.

Nothing is billed here; the runner bills the charges when it stores the results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.aws_simulator.account.calls import ACCOUNT_ID, foundation_model_arn
from tools.aws_simulator.account.evaluation_records import (
    AutomatedEvaluation,
    CustomMetric,
    DatasetLine,
    EvaluatedModel,
    ModelResponse,
)
from tools.aws_simulator.jobs.evaluation_files import Dataset, responses_of
from tools.aws_simulator.jobs.evaluation_requests import (
    custom_metrics,
    evaluator_identifiers,
    identifier_of,
    inference_arguments,
)
from tools.aws_simulator.jobs.training_data import DataFaultError
from tools.aws_simulator.models.evaluator import Evaluation, Rated, Scale, evaluate, evaluate_custom
from tools.aws_simulator.protocol.errors import ApiError
from tools.aws_simulator.runtime.inference import Charge, Inference


@dataclass
class Responder:
    """Gives the response of a model, or of a source of responses, to each prompt.

    :param charges: what to bill for the responses so far.
    """

    region: str
    model: EvaluatedModel
    inference: Inference
    charges: list[Charge] = field(default_factory=list)

    def respond(self, line: DatasetLine) -> ModelResponse:
        """Return the response to one prompt.

        :raises DataFaultError: the model refuses the prompt. That the whole job then fails is UNVERIFIED.
        """
        if "bedrockModel" not in self.model:
            return responses_of(line, identifier_of(self.model))
        bedrock = self.model["bedrockModel"]
        identifier = bedrock["modelIdentifier"]
        try:
            text, charge = self.inference.answer_prompt(
                self.region, identifier, line["prompt"], inference_arguments(bedrock)
            )
        except ApiError as error:
            raise DataFaultError(f"The model {identifier} did not answer a prompt: {error}") from error
        self.charges.append(charge)
        return {"response": text, "modelIdentifier": model_arn(self.region, identifier, self._base_id(identifier))}

    def _base_id(self, identifier: str) -> str:
        return self.inference.converse_target(self.region, identifier).model.id


@dataclass
class Evaluators:
    """
    Rates responses with the evaluator models of a job.

    :param charges: what to bill for the ratings so far.
    """

    region: str
    config: AutomatedEvaluation
    inference: Inference
    charges: list[Charge] = field(default_factory=list)

    def scores(self, dataset: Dataset, line: DatasetLine, response: str) -> list[dict[str, Any]]:
        """Return ``scores`` of one response, with one entry for each metric of the dataset."""
        rated = Rated(line["prompt"], response, line.get("referenceResponse") or None)
        custom = custom_metrics(self.config)
        return [self._score(name, custom, rated) for name in dataset.config["metricNames"]]

    def _score(self, name: str, custom: Mapping[str, CustomMetric], rated: Rated) -> dict[str, Any]:
        evaluator = evaluator_identifiers(self.config)["custom" if name in custom else "built_in"]
        evaluation = self._evaluate(evaluator, custom.get(name), name, rated)
        self.charges.append(Charge(evaluator, None, evaluation.input_tokens, evaluation.output_tokens))
        return {
            "metricName": name,
            "result": evaluation.result,
            "evaluatorDetails": [{"modelIdentifier": evaluator, "explanation": evaluation.explanation}],
        }

    def _evaluate(self, evaluator: str, metric: CustomMetric | None, name: str, rated: Rated) -> Evaluation:
        """Rate a response.

        :raises DataFaultError: the evaluator can no longer be used, for example because it was retired.
        """
        try:
            provider = self.inference.on_demand(self.region, evaluator).model.provider
        except ApiError as error:
            raise DataFaultError(f"The evaluator model {evaluator} cannot be used: {error}") from error
        if metric is None:
            return evaluate(name, rated, provider=provider)
        return evaluate_custom(metric["instructions"], scale_of(metric), rated, provider=provider)


def scale_of(metric: CustomMetric) -> Scale | None:
    """
    Return the rating scale of a custom metric; None if it has none.

    Numbers are ordered. Texts stand in the order of the request, and the simulator takes the last one for the best.
    """
    ratings = metric.get("ratingScale")
    if not ratings:
        return None
    values: Sequence[float | str] = [
        float(rating["value"]["floatValue"]) if "floatValue" in rating["value"] else rating["value"]["stringValue"]
        for rating in ratings
    ]
    numbers = [value for value in values if not isinstance(value, str)]
    ordered = sorted(numbers) if len(numbers) == len(values) else values
    texts = [f"{rating['definition']}: {value}" for rating, value in zip(ratings, values, strict=True)]
    return Scale(tuple(ordered), "\n".join(texts))


def model_arn(region: str, identifier: str, base_id: str) -> str:
    """Return the ARN of a model in the output. The output of jobs with profiles is UNVERIFIED."""
    if identifier.startswith("arn:"):
        return identifier
    if identifier == base_id:
        return foundation_model_arn(region, base_id)
    return f"arn:aws:bedrock:{region}:{ACCOUNT_ID}:inference-profile/{identifier}"
