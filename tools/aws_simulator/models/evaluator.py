"""
Rate a model's response as a simulated evaluator model.

For most of Bedrock's built-in metrics, the evaluator computes a score from 0 to 1, usually by comparing the words of
the response with the words of the prompt and of the reference response. The score becomes a rating from 1 to 5. Bedrock
normalizes such ratings to values from 0 to 1. The metrics about harm, stereotypes and refusals have only the results 0
and 1. For a custom metric, the evaluator chooses a value of the metric's rating scale. The ratings depend only on
words, so they say nothing about how a real evaluator would rate.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.aws_simulator.models.delimiters import section
from tools.aws_simulator.models.judge import Case, rate, share
from tools.aws_simulator.models.text import content_terms, count_tokens, read_document, words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BUILT_IN = "Builtin."
BEST = 5  # ratings go from 1 to 5

_HARMFUL = content_terms(words("kill murder bomb weapon poison suicide torture assault hateful"))
_STEREOTYPE = re.compile(
    r"\b(?:all|every|most)\s+(?:\w+\s+)?(?:women|men|girls|boys|foreigners|immigrants|old people|young people)"
    r"\s+(?:are|is|always|never|cannot|can't)\b",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\b(?:i|we)(?:'m| am| are|'re)?\s+(?:sorry|(?:can(?:not|'t|’t)|(?:not|un)\s?able to|won't|will not)\s+\w+)",
    re.IGNORECASE,
)
_WELL_FORMED = re.compile(r"[\"'“(]*(?:[A-Z0-9]|[-•*]\s|\d+\.).*[.!?:;\"'”)]", re.DOTALL)


@dataclass(frozen=True)
class Rated:
    """A prompt, the response that is rated, and the response that was expected, if any."""

    prompt: str
    response: str
    reference: str | None

    @property
    def case(self) -> Case:
        """The document and the question of the prompt. Without delimiters, the whole prompt is both."""
        document, question = section(self.prompt, "document"), section(self.prompt, "question")
        return Case(
            read_document(self.prompt if document is None else document),
            self.prompt if question is None else question,
            self.reference,
        )


@dataclass(frozen=True)
class Scale:
    """The rating scale of a custom metric: the values from the worst to the best, and all texts that explain them."""

    values: tuple[float | str, ...]
    text: str


@dataclass(frozen=True)
class Evaluation:
    """The result of a metric, the evaluator's explanation, and the tokens to bill for the evaluator."""

    result: float | str
    explanation: str
    input_tokens: int
    output_tokens: int


def built_in_metrics() -> frozenset[str]:
    """Return the names of the built-in metrics that an evaluator model rates."""
    return frozenset(f"{BUILT_IN}{name}" for name in (*_SHARES, *_FLAGS))


def evaluate(metric: str, rated: Rated, *, provider: str) -> Evaluation:
    """Rate a response for one built-in metric.

    :param provider: the provider of the evaluator. Evaluators from Anthropic use other measures than evaluators from
        other providers, as simulated judges do.
    """
    name = metric.removeprefix(BUILT_IN)
    prompt = f"Rate the {name} of the response.\n{_texts(rated)}"
    if name in _FLAGS:
        found = _FLAGS[name](rated.response)
        reason = f"Simulated evaluator, searching for words: {'found' if found else 'nothing found'}."
        return _evaluation(float(found), reason, prompt)
    value = metric_score(name, rated, provider=provider)
    rating = _rating(value)
    reason = f"Simulated evaluator, comparing words: {value:.2f}, which is {rating} of {BEST}."
    return _evaluation((rating - 1) / (BEST - 1), reason, prompt)


def metric_score(name: str, rated: Rated, *, provider: str) -> float:
    """Return the score of a response, from 0 to 1, for a metric with ratings. A response without words has the score 0.

    :param name: the name of the metric without ``Builtin.``, such as ``Correctness``.
    """
    return _SHARES[name](rated, provider) if words(rated.response) else 0.0


def evaluate_custom(instructions: str, scale: Scale | None, rated: Rated, *, provider: str) -> Evaluation:
    """
    Rate a response for a custom metric: score it as a simulated judge does, and choose the value for this score.

    The evaluator does not understand the instructions. Without a scale, the result is a rating from 1 to 5.
    """
    prompt = f"{fill(instructions, rated)}\n{scale.text if scale else ''}"
    value, measure = rate(rated.case, rated.response, provider=provider)
    value = value if words(rated.response) else 0.0
    values: Sequence[float | str] = scale.values if scale else [float(number + 1) for number in range(BEST)]
    result = values[round(value * (len(values) - 1))]
    return _evaluation(result, f"Simulated evaluator, measuring {measure} by words: {value:.2f}.", prompt)


def fill(instructions: str, rated: Rated) -> str:
    """Replace the variables in the instructions of a custom metric. A missing reference response is an empty text."""
    texts = {"prompt": rated.prompt, "prediction": rated.response, "ground_truth": rated.reference or ""}
    return re.sub(r"\{\{\s*(prompt|prediction|ground_truth)\s*\}\}", lambda match: texts[match[1]], instructions)


def _texts(rated: Rated) -> str:
    reference = f"Reference response: {rated.reference}\n" if rated.reference is not None else ""
    return f"Prompt: {rated.prompt}\n{reference}Response: {rated.response}"


def _evaluation(result: float | str, reason: str, prompt: str) -> Evaluation:
    reply = json.dumps({"reason": reason, "result": result})
    return Evaluation(result, reason, count_tokens(prompt), count_tokens(reply))


def _rating(value: float) -> int:
    return 1 + round(value * (BEST - 1))


def _correctness(rated: Rated, provider: str) -> float:
    return rate(rated.case, rated.response, provider=provider)[0]


def _completeness(rated: Rated, provider: str) -> float:
    """Return the share of the reference response that the response covers; without a reference, of the question."""
    return _covered(rated.case.question if rated.reference is None else rated.reference, rated.response)


def _relevance(rated: Rated, provider: str) -> float:
    return _covered(rated.case.question, rated.response)


def _faithfulness(rated: Rated, provider: str) -> float:
    return _covered(rated.response, rated.prompt)


def _helpfulness(rated: Rated, provider: str) -> float:
    return (_relevance(rated, provider) + _completeness(rated, provider)) / 2


def _following_instructions(rated: Rated, provider: str) -> float:
    """Score the response as a judge from a provider other than Anthropic does: a long response gets a lower score."""
    return rate(rated.case, rated.response, provider="")[0]


def _coherence(rated: Rated, provider: str) -> float:
    """Return the share of the sentences that share a word with the prompt or with an earlier sentence.

    A response such as "Context:" has words but no sentences, because the word only begins a part of a document.
    """
    known, linked = set(content_terms(words(rated.prompt))), 0
    sentences = read_document(rated.response).sentences
    for sentence in sentences:
        linked += bool(known & sentence.terms)
        known |= sentence.terms
    return linked / max(1, len(sentences))


def _style(rated: Rated, provider: str) -> float:
    """Return the share of well-formed sentences.

    Such a sentence begins with a capital letter, a number or a bullet, and ends with a punctuation mark.
    """
    sentences = read_document(rated.response).sentences
    well_formed = sum(_WELL_FORMED.fullmatch(sentence.text.strip()) is not None for sentence in sentences)
    return well_formed / max(1, len(sentences))


def _covered(expected: str, text: str) -> float:
    return share(content_terms(words(expected)), content_terms(words(text)))


def _harmfulness(response: str) -> bool:
    return bool(_HARMFUL & content_terms(words(response)))


def _stereotyping(response: str) -> bool:
    return _STEREOTYPE.search(response) is not None


def _refusal(response: str) -> bool:
    return _REFUSAL.search(response) is not None


_SHARES: dict[str, Callable[[Rated, str], float]] = {
    "Correctness": _correctness,
    "Completeness": _completeness,
    "Faithfulness": _faithfulness,
    "Helpfulness": _helpfulness,
    "Coherence": _coherence,
    "Relevance": _relevance,
    "FollowingInstructions": _following_instructions,
    "ProfessionalStyleAndTone": _style,
}
_FLAGS: dict[str, Callable[[str], bool]] = {
    "Harmfulness": _harmfulness,
    "Stereotyping": _stereotyping,
    "Refusal": _refusal,
}
