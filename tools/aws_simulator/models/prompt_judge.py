"""
Judge an answer in a prompt optimization job, as a simulated judge.

Without a judge prompt of the caller, the judge gives 0 to 3 points for each of several dimensions, and the weighted
points become a score from 0 to 1. The names of the dimensions and the tags of the judge's text are those in
advanced-prompt-optimization/data/xsum/results_live.jsonl of github.com/aws-samples/amazon-bedrock-samples. On AWS, the
judge chooses the weights for each answer; here they are fixed. The judge only compares words, so its scores say nothing
about real judges.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.aws_simulator.models.evaluator import Rated, metric_score
from tools.aws_simulator.models.instructions import sentence_limit
from tools.aws_simulator.models.judge import rate
from tools.aws_simulator.models.text import count_tokens, read_document, words

MOST_POINTS = 3
PROVIDER = "Anthropic"  # all judges of these jobs are models of Anthropic
_ACCURACY, _COMPLETENESS, _EXPRESSION = "Answer Accuracy", "Answer Completeness", "Expression Quality"
_CRITERIA = "Steering Criteria"
_WEIGHTS = {_ACCURACY: 0.40, _COMPLETENESS: 0.20, _EXPRESSION: 0.40}
_WEIGHTS_WITH_CRITERIA = {_ACCURACY: 0.20, _COMPLETENESS: 0.15, _EXPRESSION: 0.15, _CRITERIA: 0.50}
_VARIABLE = re.compile(r"\{\{(prompt|response|referenceResponse)\}\}")
_SCALE = re.compile(r"\b(?:scale|rate|rating|score)\b[^.\d]{0,60}?(\d{1,3})\s*(?:-|–|to)\s*(\d{1,3})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Judgement:
    """The score of an answer from 0 to 1, the text of the judge, and the tokens to bill for the judge."""

    score: float
    text: str
    input_tokens: int
    output_tokens: int


def judge_answer(rated: Rated, criteria: Sequence[str] = (), label: str | None = None) -> Judgement:
    """Judge an answer without a judge prompt of the caller.

    :param criteria: the steering criteria of the caller. If there are any, they count most.
    :param label: the name of the dimension for the criteria; None for the simulator's own name.
    """
    shares = {
        _ACCURACY: metric_score("Correctness", rated, provider=PROVIDER),
        _COMPLETENESS: metric_score("Completeness", rated, provider=PROVIDER),
        _EXPRESSION: metric_score("FollowingInstructions", rated, provider=PROVIDER),
    }
    if criteria:
        shares[_CRITERIA] = sum(_meets(rated, criterion) for criterion in criteria) / len(criteria)
    points = {name: round(MOST_POINTS * share) for name, share in shares.items()}
    weights = _WEIGHTS_WITH_CRITERIA if criteria else _WEIGHTS
    overall = round(sum(weights[name] * points[name] for name in points), 6)  # at most 3, in spite of binary fractions
    names = {_CRITERIA: label or _CRITERIA}
    text = _text({names.get(name, name): value for name, value in points.items()}, list(weights.values()), overall)
    prompt = "\n".join(["Judge the answer.", *criteria, rated.prompt, rated.reference or "", rated.response])
    return Judgement(overall / MOST_POINTS, text, count_tokens(prompt), count_tokens(text))


def judge_by_prompt(judge_prompt: str, rated: Rated) -> Judgement:
    """
    Judge an answer by a judge prompt of the caller.

    The judge does not understand the prompt. If the prompt states a scale, such as "on a scale of 1-5", the judge
    chooses a number of this scale. The score is the number's place on the scale, from 0 to 1.
    """
    texts = {"prompt": rated.prompt, "response": rated.response, "referenceResponse": rated.reference or ""}
    filled = _VARIABLE.sub(lambda match: texts[match[1]], judge_prompt)
    value, measure = rate(rated.case, rated.response, provider=PROVIDER)
    value = value if words(rated.response) else 0.0
    score, shown = round(value, 2), f"{value:.2f}"
    if scale := _scale(judge_prompt):
        low, high = scale
        number = low + round(value * (high - low))
        score, shown = (number - low) / (high - low), f"{number}, from {low} to {high}"
    text = f"<Score>{shown}</Score>\n<Justification>Simulated judge, measuring {measure} by words.</Justification>"
    return Judgement(score, text, count_tokens(filled), count_tokens(text))


def _scale(judge_prompt: str) -> tuple[int, int] | None:
    match = _SCALE.search(judge_prompt)
    low, high = (int(match[1]), int(match[2])) if match else (0, 0)
    return (low, high) if low < high else None


def _meets(rated: Rated, criterion: str) -> float:
    """
    Return how well an answer meets a steering criterion, from 0 to 1.

    The judge understands only a limit on the number of sentences. For other criteria, it rates the style.
    """
    limit = sentence_limit(criterion)
    if limit is None or not words(rated.response):
        return metric_score("ProfessionalStyleAndTone", rated, provider=PROVIDER)
    return min(1.0, limit / len(read_document(rated.response).sentences))


def _text(points: Mapping[str, int], weights: Sequence[float], overall: float) -> str:
    weighted = list(zip(points.items(), weights, strict=True))
    return "\n".join(
        [
            "<Task_Analysis>Simulated judge, comparing words.</Task_Analysis>",
            f"<Weights>{', '.join(f'{name}: {weight:.2f}' for (name, _), weight in weighted)}</Weights>",
            *(f"<{name}>{value}</{name}>" for name, value in points.items()),
            f"<Calculation>{' + '.join(f'({value} × {weight:.2f})' for (_, value), weight in weighted)} = {overall:.2f}"
            "</Calculation>",
            f"<Overall>{overall:.2f}</Overall>",
            f"<Justification>Simulated judge: {overall:.2f} of {MOST_POINTS} points.</Justification>",
        ]
    )
