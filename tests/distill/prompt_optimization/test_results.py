"""Test that the output of a job is never trusted, and that each fault is described with its file and line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.core.errors import ContractError, JobFailedError
from include.distill.prompt_optimization.plan import optimization_plan
from include.distill.prompt_optimization.records import OptimizationResultManifest, OptimizedPrompt
from include.distill.prompt_optimization.results import prompt_version, read_result, results_uri
from tests.distill.conftest import make_use_case

MODEL = "us.amazon.nova-micro-v1:0"
OPTIMIZED = "Answer from the document only.\n<document>{{document}}</document>\n{{question}}"
ARN = "arn:aws:bedrock:us-east-1:123456789012:advanced-prompt-optimization-job/abc123def456"
RESULT: OptimizationResultManifest = {
    "job_name": "env-prompted-1f2e",
    "job_arn": ARN,
    "arm": "prompted",
    "status": "Completed",
    "output_uri": "s3://output/distill/prompt_optimizations/1f2e/",
}
URI = results_uri(RESULT)
PLAN = optimization_plan(
    make_use_case(),
    "prompted",
    {
        "version": "bedrock-2026-05-14",
        "templateId": "answering",
        "promptTemplate": "{{document}} {{question}}",
        "evaluationSamples": [
            {"inputVariables": [{"document": "Doc."}, {"question": "Why?"}], "referenceResponse": "So."}
        ],
    },
)


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "status": "SUCCESS",
        "optimizedPromptTemplate": OPTIMIZED,
        "modelId": MODEL,
        "optimizedPromptTemplateId": f"answering-optimized-for-{MODEL}",
        "dataset": [],
        "originalPromptMetrics": {"averageScore": 0.5, "averageInputTokens": 418.5, "averageOutputTokens": 40},
        "optimizedPromptMetrics": {"averageScore": 0.75, "averageInputTokens": 2007, "averageOutputTokens": 30.25},
        **changes,
    }


def line(*entries: Any, **changes: Any) -> bytes:
    record = {"promptTemplateId": "answering", "promptTemplate": "x", "promptOptimizationResults": list(entries)}
    return json.dumps({**record, **changes}).encode() + b"\n"


def read(body: bytes) -> OptimizedPrompt:
    return read_result(body, uri=URI, result=RESULT, plan=PLAN, judge="claude-sonnet-4-6")


def test_the_file_is_in_the_folder_of_the_job() -> None:
    assert URI == (
        "s3://output/distill/prompt_optimizations/1f2e/abc123def456/advanced_prompt_optimization_results.jsonl"
    )


def test_the_optimized_prompt_is_read_with_the_scores_and_tokens_of_both_prompts() -> None:
    assert read(line(entry())) == {
        "arm": "prompted",
        "job_name": "env-prompted-1f2e",
        "job_arn": ARN,
        "samples": 1,
        "judge": "claude-sonnet-4-6",
        "original": "{{document}} {{question}}",
        "optimized": OPTIMIZED,
        "before": {"score": 0.5, "input_tokens": 418.5, "output_tokens": 40.0},
        "after": {"score": 0.75, "input_tokens": 2007.0, "output_tokens": 30.25},
    }


def test_blank_lines_and_unknown_keys_are_ignored() -> None:
    body = b"\n \r\n" + line(entry(newKey={"a": 1}), other=[1]) + b"\n"
    assert read(body)["optimized"] == OPTIMIZED


def test_a_model_may_be_named_by_its_arn() -> None:
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{MODEL}"
    assert read(line(entry(modelId=arn)))["optimized"] == OPTIMIZED


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", f"{URI}: the file is empty"),
        (b"\n \n", f"{URI}: the file is empty"),
        (b"{", "line 1: the line is not JSON"),
        (b"\n\xff\xfe\n", "line 2: the line is not JSON"),
        (b"[" * 100_000, "line 1: the line is not JSON"),
        (b"[]", "line 1: the line is not a JSON object"),
        (b"{}", "line 1: promptOptimizationResults is not a list"),
        (line(entry()) * 2, "line 2: the file has 2 lines with text; expected one"),
        (line(promptOptimizationResults={"modelId": MODEL}), "line 1: promptOptimizationResults is not a list"),
        (line("x"), "line 1: an entry of promptOptimizationResults is not a JSON object"),
        (line(), f"promptOptimizationResults has 0 results for {MODEL}; expected one"),
        (line(entry(), entry()), f"promptOptimizationResults has 2 results for {MODEL}; expected one"),
        (line(entry(modelId="us.amazon.nova-pro-v1:0")), "The file names us.amazon.nova-pro-v1:0"),
        (line(entry(modelId="amazon.nova-micro-v1:0")), "The file names amazon.nova-micro-v1:0"),
        (line(entry(modelId=None)), "has 0 results"),
        (line(entry(status="success")), "status is 'success'; expected 'SUCCESS' or 'FAILED'"),
        (line(entry(status=None)), "status is 'None'"),
        (line(entry(optimizedPromptTemplate=None)), "optimizedPromptTemplate is not a text"),
        (line(entry(optimizedPromptTemplate=[OPTIMIZED])), "optimizedPromptTemplate is not a text"),
    ],
)
def test_a_file_in_another_form_is_refused_with_its_uri_and_line(body: bytes, fault: str) -> None:
    with pytest.raises(ContractError) as error:
        read(body)
    assert fault in str(error.value)
    assert URI in str(error.value)
    assert "The job is paid for." in str(error.value)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"status": "FAILED", "failureReason": "The model\nwas throttled."}, r"The model\\nwas throttled \("),
        ({"status": "FAILED"}, "did not optimize the prompt: Bedrock gave no reason"),
        ({"status": "FAILED", "failureReason": ["x"], "optimizedPromptTemplate": None}, "Bedrock gave no reason"),
        ({"optimizedPromptTemplate": ""}, "wrote a prompt that cannot be used: it is empty"),
        ({"optimizedPromptTemplate": "{{document}} only"}, r"it does not contain {{question}}"),
        ({"optimizedPromptTemplate": f"{OPTIMIZED} {{{{context}}}}"}, "it contains {{context}}"),
        ({"optimizedPromptTemplate": OPTIMIZED + "x" * 50_000}, "at most 50,000 are allowed"),
    ],
)
def test_a_job_without_a_usable_prompt_says_what_to_change(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(JobFailedError, match=problem) as error:
        read(line(entry(**changes)))
    assert "Clear preflight with downstream" in str(error.value) or "Then clear preflight" in str(error.value)


def test_no_message_quotes_the_optimized_prompt() -> None:
    with pytest.raises(JobFailedError) as error:
        read(line(entry(optimizedPromptTemplate="the secret of {{document}}")))
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "metrics",
    [
        None,
        [],
        {},
        {"averageScore": "0.5"},
        {"averageScore": True},
        {"averageScore": 1.5},
        {"averageScore": -0.1},
        {"averageScore": float("nan")},
        {"averageInputTokens": float("inf"), "averageOutputTokens": 10**400},
    ],
)
def test_a_figure_that_is_missing_or_impossible_is_not_stated(metrics: Any) -> None:
    read_back = read(line(entry(optimizedPromptMetrics=metrics)))
    assert read_back["after"] == {"score": None, "input_tokens": None, "output_tokens": None}
    assert read_back["before"]["score"] == 0.5


def test_lone_surrogates_become_question_marks_so_that_the_prompt_can_be_stored() -> None:
    optimized = read(line(entry(optimizedPromptTemplate=f"\ud800{OPTIMIZED}")))["optimized"]
    assert optimized == f"?{OPTIMIZED}"
    assert len(prompt_version(optimized)) == 12


def test_a_reserved_string_or_a_repeated_placeholder_in_the_prompt_is_no_fault() -> None:
    text = f"System: {OPTIMIZED} {{{{question}}}}"
    assert read(line(entry(optimizedPromptTemplate=text)))["optimized"] == text
