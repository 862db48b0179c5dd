"""The input file of a prompt optimization job: its format, its limits and its placeholders."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.aws_simulator.builders import jsonl, optimization_line, optimization_sample
from tools.aws_simulator.jobs import optimization_input
from tools.aws_simulator.jobs.optimization_input import InputError, fill, read_templates

JUDGE = {"customLLMJPrompt": "Rate {{response}}.", "customLLMJModelId": "anthropic.claude-sonnet-4-6"}


def sample(*variables: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"inputVariables": list(variables), **changes}


def line(template: str, *samples: Any, **changes: Any) -> dict[str, Any]:
    return optimization_line(promptTemplate=template, evaluationSamples=list(samples), **changes)


def test_a_file_has_a_template_on_each_line() -> None:
    first = optimization_line(steeringCriteria=["Be short."], customEvaluationMetricLabel="short")
    second = optimization_line(templateId="other", customLLMJConfig=JUDGE, customEvaluationMetricLabel="mine")
    templates = read_templates(jsonl([first]) + b"\n  \n" + jsonl([second]))
    assert [template.templateId for template in templates] == ["answering", "other"]
    assert templates[0].placeholders == {"document", "question"}
    assert templates[0].evaluationSamples[0].values == {
        "document": optimization_sample()["inputVariables"][0]["document"],
        "question": "How many lifecycle rules can a bucket have?",
    }
    assert (templates[0].steeringCriteria, templates[0].customLLMJConfig) == (["Be short."], None)
    assert templates[1].customLLMJConfig is not None


@pytest.mark.parametrize("body", [b"", b" \n\n"])
def test_an_empty_file_is_refused(body: bytes) -> None:
    with pytest.raises(InputError, match=r"^Input file is empty$"):
        read_templates(body)


@pytest.mark.parametrize("body", [b"{", b"[1]\n", b"\xff", jsonl([optimization_line()]) + b"x\n"])
def test_a_file_of_other_things_than_objects_is_refused(body: bytes) -> None:
    with pytest.raises(InputError, match=r"^File is not valid JSONL$"):
        read_templates(body)


def test_a_large_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    body = jsonl([optimization_line()])
    monkeypatch.setattr(optimization_input, "LARGEST_FILE", len(body))
    assert read_templates(body)
    with pytest.raises(InputError, match=f"has {len(body) + 1} bytes"):
        read_templates(body + b"\n")


def test_a_file_has_at_most_ten_templates_with_different_ids() -> None:
    lines = [optimization_line(templateId=str(number)) for number in range(11)]
    assert len(read_templates(jsonl(lines[:10]))) == 10
    with pytest.raises(InputError, match=r"11 prompt templates\. The limit is 10"):
        read_templates(jsonl(lines))
    with pytest.raises(InputError, match="a templateId of its own"):
        read_templates(jsonl([optimization_line(), optimization_line()]))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"version": "bedrock-2025-01-01"}, "version"),
        ({"templateId": ""}, "templateId"),
        ({"templateId": 1}, "templateId"),
        ({"promptTemplate": " "}, "promptTemplate"),
        ({"promptTemplate": None}, "promptTemplate"),
        ({"evaluationSamples": []}, "evaluationSamples"),
        ({"evaluationSamples": [optimization_sample()] * 101}, "evaluationSamples"),
        ({"evaluationSamples": ["text"]}, "evaluationSamples.0"),
        ({"evaluationSamples": [sample({"document": 1}, {"question": "?"})]}, "inputVariables.0.document"),
        ({"evaluationSamples": [{"referenceResponse": "Yes."}]}, "inputVariables"),
        ({"steeringCriteria": ["a"] * 6}, "steeringCriteria"),
        ({"steeringCriteria": "short"}, "steeringCriteria"),
        ({"other": 1}, "other"),
        ({"customLLMJConfig": {"customLLMJPrompt": "{{response}}"}}, "customLLMJModelId"),
        ({"evaluationMetricLambdaArn": "arn:aws:lambda:us-east-1:1:function:f"}, "does not support"),
        ({"evaluationSamples": [{"inputVariablesMultimodal": []}]}, "does not support inputVariablesMultimodal"),
    ],
)
def test_a_line_in_another_format_is_refused_with_its_number(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=f"^Line 2: .*{text}"):
        read_templates(jsonl([optimization_line(templateId="first"), optimization_line(**changes)]))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"steeringCriteria": ["Be short."], "customEvaluationMetricLabel": "a"}, "multiple evaluation methods"),
        ({}, "missing label"),
        (
            {"customEvaluationMetricLabel": "a", "customLLMJConfig": {**JUDGE, "customLLMJModelId": "amazon.nova"}},
            "customLLMJModelId must be one of anthropic.claude-opus-4-6-v1",
        ),
        (
            {"customEvaluationMetricLabel": "a", "customLLMJConfig": {**JUDGE, "customLLMJPrompt": "Rate it."}},
            "lacks the variable {{response}}",
        ),
    ],
)
def test_a_wrong_evaluation_method_is_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        read_templates(jsonl([optimization_line(**{"customLLMJConfig": JUDGE, **changes})]))


@pytest.mark.parametrize(
    ("template", "variables", "text"),
    [
        ("Say {{word}}.", [{"other": "a"}], "placeholder mismatch"),
        ("Say {{word}}.", [], "placeholder mismatch"),
        ("Say {{word}}.", [{"word": "a"}, {"word": "b"}], "placeholder mismatch"),
        ("Say {{word}} {other}.", [{"word": "a"}, {"other": "b"}], "Write {{other}} instead of {other}"),
        ("Say it.", [], "has 0 variables"),
        ("Say {{ word }}.", [{"word": "a"}], "has 0 variables"),
        (
            "".join(f"{{{{v{number}}}}}" for number in range(21)),
            [{f"v{number}": "a"} for number in range(21)],
            "has 21 variables",
        ),
    ],
)
def test_the_samples_must_have_the_variables_of_the_template(
    template: str, variables: list[dict[str, str]], text: str
) -> None:
    with pytest.raises(InputError, match=text):
        read_templates(jsonl([line(template, sample(*variables))]))


def test_only_the_first_of_several_keys_in_an_object_is_filled_in() -> None:
    (template,) = read_templates(jsonl([line("{{a}} and {{b}}", sample({"a": "1", "b": "2"}))]))
    assert fill(template.promptTemplate, template.evaluationSamples[0].values) == "1 and {{b}}"


def test_values_are_filled_in_once_and_literally() -> None:
    assert fill("{{a}}, {{b}}, {a}, {{c}}", {"a": "{{b}}", "b": r"\1"}) == r"{{b}}, \1, {a}, {{c}}"
