"""A template is optimized with real answers of the simulated target model, and real judgements of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.aws_simulator.builders import DOCUMENT, OPTIMIZED, REFERENCE, TEMPLATE, jsonl, optimization_line
from tools.aws_simulator.jobs.optimization import SERVICE_MODEL, Optimization, UseCounter
from tools.aws_simulator.jobs.optimization_input import read_templates
from tools.aws_simulator.models.conversation import single
from tools.aws_simulator.models.dialogue import SimulatedModel, reply_to
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.inference import Charge

# The student quotes two sentences of this document, and only the first one is expected.
LONG = f"A bucket can have up to 1,000 lifecycle rules. Each lifecycle rule of a bucket has a filter. {DOCUMENT}"
QUESTION = "How many lifecycle rules can a bucket have?"


class FakeInference:
    """The simulated base model, asked without a server."""

    def __init__(self, *, refuse: str = "never") -> None:
        self.asked: list[tuple[str, Any]] = []
        self.refuse = refuse

    def answer_prompt(self, region: str, model_id: str, prompt: str, arguments: Any) -> tuple[str, Charge]:
        if self.refuse in prompt:
            raise ValidationException("Too long.")
        self.asked.append((prompt, arguments))
        reply = reply_to(SimulatedModel("Amazon", None), single("", prompt), 1000)
        return reply.text, Charge(model_id, None, reply.input_tokens, reply.output_tokens)


def samples(*documents: str, reference: str = REFERENCE) -> list[Any]:
    return [
        {"inputVariables": [{"document": document}, {"question": QUESTION}], "referenceResponse": reference}
        for document in documents
    ]


def optimization(inference: Any, use: UseCounter | None = None, check: Any = None, **changes: Any) -> Optimization:
    (template,) = read_templates(jsonl([optimization_line(**changes)]))
    model: Any = {"modelId": OPTIMIZED, "inferenceConfig": {"maxTokens": 90}}
    return Optimization("us-east-1", model, template, inference, use or UseCounter(), check or (lambda: None))


def test_the_template_with_the_best_answers_is_kept() -> None:
    inference = FakeInference()
    result = optimization(inference, evaluationSamples=samples(LONG)).run()
    (entry,) = result["dataset"]
    first, last = entry["originalPromptDetails"], entry["optimizedPromptDetails"]
    assert len(first["originalPromptModelResponse"]) > len(last["optimizedPromptModelResponse"])
    assert first["originalPromptMetrics"]["score"] < last["optimizedPromptMetrics"]["score"]
    assert result["optimizedPromptTemplate"].startswith(TEMPLATE.rstrip())
    assert "{{document}}" in result["optimizedPromptTemplate"]
    assert "at most two consecutive sentences" in result["optimizedPromptTemplate"]
    before, after = result["originalPromptMetrics"], result["optimizedPromptMetrics"]
    assert (before["averageScore"], after["averageScore"]) == (
        first["originalPromptMetrics"]["score"],
        last["optimizedPromptMetrics"]["score"],
    )
    assert after["averageInputTokens"] > before["averageInputTokens"]
    assert {str(arguments) for _, arguments in inference.asked} == {"{'inferenceConfig': {'maxTokens': 90}}"}


def test_a_template_whose_answers_cannot_get_better_stays() -> None:
    result = optimization(FakeInference()).run()
    assert result["optimizedPromptTemplate"] == TEMPLATE
    assert result["originalPromptMetrics"] == result["optimizedPromptMetrics"]
    assert result["originalPromptMetrics"]["averageScore"] == 1.0


def test_an_instruction_about_absent_answers_is_kept_if_it_helps() -> None:
    absent = [
        {
            "inputVariables": [{"document": "Paris is a city. It has museums."}, {"question": "Who invented soap?"}],
            "referenceResponse": "The document does not contain the answer.",
        }
    ]
    result = optimization(FakeInference(), evaluationSamples=absent).run()
    assert "If the document does not contain the answer, say so." in result["optimizedPromptTemplate"]
    details = result["dataset"][0]["optimizedPromptDetails"]
    assert details["optimizedPromptModelResponse"] == "The document does not contain the answer."


def test_the_criteria_of_the_caller_are_tried_and_judged() -> None:
    criteria = ["Use at most one sentence."]
    changes = {"steeringCriteria": criteria, "customEvaluationMetricLabel": "Length"}
    result = optimization(FakeInference(), evaluationSamples=samples(LONG), **changes).run()
    assert "\n- Use at most one sentence." in result["optimizedPromptTemplate"]
    details = result["dataset"][0]
    assert "<Length>3</Length>" in details["optimizedPromptDetails"]["llmjRawEvalOutputForOptimizedPrompt"]
    assert "<Length>3</Length>" not in details["originalPromptDetails"]["llmjRawEvalOutputForOriginalPrompt"]


def test_the_results_have_the_keys_of_bedrock() -> None:
    result = optimization(FakeInference(), evaluationSamples=samples(LONG)).run()
    assert list(result) == [
        "status",
        "optimizedPromptTemplate",
        "dataset",
        "modelId",
        "optimizedPromptTemplateId",
        "originalPromptMetrics",
        "optimizedPromptMetrics",
    ]
    assert result["optimizedPromptTemplateId"] == f"answering-optimized-for-{OPTIMIZED}"
    assert set(result["dataset"][0]["originalPromptDetails"]["originalPromptMetrics"]) == {
        "inputTokens",
        "outputTokens",
        "score",
        "ttftInSec",
    }
    without = samples(LONG)[0]
    del without["referenceResponse"]
    assert "referenceResponse" not in optimization(FakeInference(), evaluationSamples=[without]).run()["dataset"][0]


def test_equal_jobs_have_equal_results() -> None:
    first, second = (optimization(FakeInference(), evaluationSamples=samples(LONG, DOCUMENT)).run() for _ in range(2))
    assert first == second


def test_every_call_of_every_model_is_counted() -> None:
    inference, use = FakeInference(), UseCounter()
    optimization(inference, use, evaluationSamples=samples(LONG, DOCUMENT)).run()
    counted = {(entry["purpose"], entry["model"]): entry for entry in use.share(1.0)}
    assert set(counted) == {("target", OPTIMIZED), ("judge", SERVICE_MODEL), ("rewriter", SERVICE_MODEL)}
    target, judge, rewriter = (counted[key] for key in sorted(counted, key=lambda key: "tjr".index(key[0][0])))
    assert target["calls"] == judge["calls"] == len(inference.asked) == 2 * (rewriter["calls"] + 1)
    assert all(entry["input_tokens"] > 0 and entry["output_tokens"] > 0 for entry in counted.values())
    half = use.share(0.5)[0]
    assert half["calls"] == target["calls"] // 2


def test_the_judge_of_the_caller_is_used_and_counted() -> None:
    use = UseCounter()
    judge = {"customLLMJPrompt": "Scale 1-3: {{response}}", "customLLMJModelId": "anthropic.claude-opus-4-6-v1"}
    changes = {"customLLMJConfig": judge, "customEvaluationMetricLabel": "mine"}
    result = optimization(FakeInference(), use, **changes).run()
    text = result["dataset"][0]["originalPromptDetails"]["llmjRawEvalOutputForOriginalPrompt"]
    assert "<Score>3, from 1 to 3</Score>" in text
    assert ("judge", "anthropic.claude-opus-4-6-v1") in use.counts


def test_a_refused_prompt_ends_the_optimization_but_its_calls_are_counted() -> None:
    use = UseCounter()
    with pytest.raises(ValidationException, match="Too long"):
        optimization(FakeInference(refuse="Follow these instructions"), use).run()
    assert use.counts["target", OPTIMIZED]["calls"] == 1


def test_the_work_ends_as_soon_as_the_check_fails() -> None:
    inference = FakeInference()

    def check() -> None:
        if len(inference.asked) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimization(inference, check=check).run()
    assert len(inference.asked) == 3
