"""Read mutated outputs of batch, evaluation, customization and optimization jobs, and check that each record counts."""

from __future__ import annotations

import json
from functools import cache

from include.distill.batch.input_files import build_input_files
from include.distill.batch.pending_jobs import BatchJobPlan
from include.distill.batch.records import BatchError
from include.distill.batch.results import collect
from include.distill.config.catalog import load_catalog
from include.distill.core.errors import ContractError, JobFailedError
from include.distill.core.storage import read_jsonl
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.requests import ModelRequest
from include.distill.labeling.records import LabelExample
from include.distill.managed_evaluation.records import EvaluationQuestion, EvaluationResultManifest
from include.distill.managed_evaluation.results import prompt_hash, read_scores
from include.distill.managed_evaluation.scales import Scale
from include.distill.managed_evaluation.worker_answers import read_worker_answers
from include.distill.managed_evaluation.worker_jobs import dataset_line
from include.distill.prompt_optimization.plan import OptimizationPlan
from include.distill.prompt_optimization.records import OptimizationResultManifest
from include.distill.prompt_optimization.results import read_result
from include.distill.training.losses import loss_curve
from tools.fuzz.contract import Target, require
from tools.fuzz.memory_store import MemoryStore

_MODEL = "nova-micro"
_ERRORS, _ANSWERS, _INPUT = "s3://b/errors.jsonl", "s3://b/responses", "s3://b/input.jsonl"
_PROMPTS = ("first prompt", "second prompt", "third prompt")
_SCALES = {"Builtin.Correctness": Scale(0, 1), "grounded": Scale(1, 5)}
_EVALUATION: EvaluationResultManifest = {
    "job_name": "job",
    "job_arn": "arn:aws:bedrock:us-east-1:123456789012:evaluation-job/abc",
    "arm": "tuned",
    "evaluator": "nova-pro",
    "status": "Completed",
    "output_uri": "s3://output/evaluations/",
}
_SCORES = "s3://output/evaluations/job/abc/models/tuned/taskTypes/General/datasets/questions/f_output.jsonl"
_WORKERS = "s3://output/evaluations/job/abc/datasets/questions/f_output.jsonl"
_EXAMPLES: tuple[LabelExample, ...] = tuple(
    {"example": f"{number}-a-b", "row_id": f"row{number}", "question": "Why?", "document": f"Text {number}.",
     "answer_a": "So.", "answer_b": "Thus.", "a": "candidate"}
    for number in range(2)
)  # fmt: skip
_OPTIMIZATION: OptimizationResultManifest = {
    "job_name": "job",
    "job_arn": "arn:aws:bedrock:us-east-1:123456789012:advanced-prompt-optimization-job/abc",
    "arm": "prompted",
    "status": "Completed",
    "output_uri": "s3://output/optimizations/",
}
_PLAN = OptimizationPlan(
    "prompted",
    {"modelId": "us.amazon.nova-micro-v1:0", "inferenceConfig": {"maxTokens": 64}},
    {"version": "v", "templateId": "answering", "promptTemplate": "{{document}} {{question}}", "evaluationSamples": []},
)


@cache
def _batch() -> tuple[BatchJobPlan, bytes, tuple[str, ...]]:
    """Return the plan of a batch job with three requests, its input, and the keys of the requests."""
    model = load_catalog().model(_MODEL)
    requests = [
        ModelRequest(model=model, identity=model.inference_id, invoke_id=model.inference_id, user=text, max_tokens=64)
        for text in _PROMPTS
    ]
    store, limits = MemoryStore(), model.batch
    if limits is None:
        message = f"{_MODEL} has no batch jobs"
        raise LookupError(message)
    for file in build_input_files(requests, limits):
        file.store(store, _INPUT)
    plan = BatchJobPlan(
        "job", "synthesize", _MODEL, model.inference_id, "s" * 64, len(requests), 64, "buyer", _INPUT, "s3://o/b/"
    )
    return plan, store.read(_INPUT), tuple(request.key for request in requests)


def collect_batch(body: bytes) -> None:
    """Store the answers of a batch job. Each request has one fate, and no line disappears without an error."""
    plan, given, keys = _batch()
    store = MemoryStore()
    store.write(_INPUT, given)
    store.write(f"{plan.output_uri}id/input.jsonl.out", body)
    answers = AnswerStore(store, _ANSWERS, "run")
    outcome = collect(
        plan, "id", answers=answers, errors_uri=_ERRORS, lost_calls_uri="s3://b/lost/", successes=3, simulated=False,
        threads=1,
    )  # fmt: skip
    stored, errors = store.list(_ANSWERS), read_jsonl(store, _ERRORS, BatchError)
    require(outcome.answered + outcome.errors + outcome.unanswered == len(keys), "a request has no fate, or two")
    require(min(outcome.answered, outcome.errors, outcome.unanswered) >= 0, "a count is negative")
    require(outcome.answered <= len(stored) <= len(keys), "the stored answers are not those that were counted")
    require(all(error["reason"] and error["message"] for error in errors), "a line was refused without a reason")
    foreign = [line for line in body.split(b"\n") if line.strip() and not any(key.encode() in line for key in keys)]
    require(b"\\u" in body or len(errors) >= len(foreign), "a line that is no answer is not among the errors")


def read_evaluation(body: bytes) -> None:
    """Read the scores of an evaluation job. Each question has one record for each metric."""
    store = MemoryStore()
    store.write(_SCORES, body)
    questions: list[EvaluationQuestion] = [
        {"row_id": f"row{number}", "prompt_sha256": prompt_hash(prompt)} for number, prompt in enumerate(_PROMPTS)
    ]
    notes: list[str] = []
    try:
        records = read_scores(store, result=_EVALUATION, questions=questions, scales=_SCALES, note=notes.append)
    except ContractError as error:
        require("The evaluation job job" in str(error), "the message does not name the job")
        return
    found = [(record["metric"], record["row_id"]) for record in records]
    require(found == [(metric, one["row_id"]) for metric in _SCALES for one in questions], "a score has no record")
    for record in records:
        scale, score = _SCALES[record["metric"]], record["score"]
        require(score is None or scale.low <= score <= scale.high, "a score is not on the scale")
    json.dumps([records, notes], ensure_ascii=False, allow_nan=False).encode()


def read_workers(body: bytes) -> None:
    """Read the answers of human workers. Each answer is a choice, or is counted with a fault."""
    store = MemoryStore()
    store.write(_WORKERS, body)
    answers = read_worker_answers(store, _EVALUATION, _EXAMPLES)
    require(not (answers.invalid or answers.foreign_lines) or bool(answers.faults), "a fault has no reason")
    names = {example["example"] for example in _EXAMPLES}
    for worker, choices in answers.choices.items():
        worker.encode()
        require(choices.keys() <= names and set(choices.values()) <= {"A", "B", "Tie"}, "a choice is unknown")
    if body.strip():
        counted = answers.usable + answers.invalid + answers.foreign_lines
        require(counted > 0 or b'"humanAnswers": []' in body or b"[]" in body, "a line disappeared")


def read_optimization(body: bytes) -> None:
    """Read the result of a prompt optimization job. It is a prompt that can be stored, or an error with its line."""
    try:
        found = read_result(body, uri="s3://o/results.jsonl", result=_OPTIMIZATION, plan=_PLAN, judge="nova-pro")
    except (ContractError, JobFailedError) as error:
        require("s3://o/results.jsonl" in str(error), "the message does not name the file")
        str(error).encode()
        return
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()


def read_losses(body: bytes) -> None:
    """Read the metrics of a training job. Faults become notes, and each step has a loss or none."""
    notes: list[str] = []
    curve = loss_curve(body, note=notes.append)
    require(bool(curve or notes), "a file without steps has no note")
    json.dumps([curve, notes], ensure_ascii=False, allow_nan=False).encode()


_CONVERSE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "an answer"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10},
}


def _lines(*records: object) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


@cache
def _batch_seeds() -> tuple[bytes, ...]:
    first, second, third = _batch()[2]
    answer = {"recordId": first, "modelOutput": _CONVERSE}
    return (
        _lines(answer, {"recordId": second, "error": {"errorCode": 400, "errorMessage": "no"}}, {"recordId": third}),
        _lines(*({"recordId": key, "modelInput": {}, "modelOutput": _CONVERSE} for key in (third, second, first))),
        _lines(answer, answer, {"recordId": "other", "modelOutput": _CONVERSE}, {"recordId": second, "modelOutput": 1}),
    )


def _scored(prompt: str, *scores: tuple[str, object]) -> dict[str, object]:
    entries = [
        {"metricName": name, "result": value, "evaluatorDetails": [{"explanation": "x"}]} for name, value in scores
    ]
    return {"automatedEvaluationResult": {"scores": entries}, "inputRecord": {"prompt": prompt}}


def _worked(example: LabelExample, *workers: str) -> dict[str, object]:
    ratings = {
        "comparisonChoice": [{"metricName": "Better", "result": {"modelResponseId": "0"}}],
        "comparisonLikertScale": [{"metricName": "Difference", "result": 4}],
    }
    given = [{"workerId": worker, "answerContent": {"evaluationResults": ratings}} for worker in workers]
    result = {"humanAnswers": given, "modelResponseIdMap": {"0": "answer-a", "1": "answer-b"}}
    return {"humanEvaluationResult": [result], "inputRecord": dataset_line(example)}


_OPTIMIZED = {
    "status": "SUCCESS",
    "optimizedPromptTemplate": "Answer.\n<document>{{document}}</document>\n{{question}}",
    "modelId": "us.amazon.nova-micro-v1:0",
    "originalPromptMetrics": {"averageScore": 0.5, "averageInputTokens": 418.5, "averageOutputTokens": 40},
    "optimizedPromptMetrics": {"averageScore": 0.75, "averageInputTokens": 2007, "averageOutputTokens": 30.25},
}
_METRICS = (
    b"step_number,epoch_number,training_loss,perplexity\n0,0,2.5,12.1\n1,0,1.75,5.7\n2,1,nan,\n",
    b'"step_number","training_loss"\r\n"1.0","1e0"\r\n"2","inf"\r\n',
)

TARGETS = (
    Target("batch", collect_batch, _batch_seeds(), (b'"recordId":', b'"modelOutput":', b'"error":'), share=2),
    Target(
        "evaluation",
        read_evaluation,
        (
            _lines(*(_scored(prompt, ("Builtin.Correctness", 0.5), ("grounded", 3)) for prompt in _PROMPTS)),
            _lines(_scored(_PROMPTS[0], ("grounded", "3")), _scored("other", ("x", 1)), [], _scored(_PROMPTS[0])),
        ),
        (b'"scores":', b'"result":', b'"metricName":', b"first prompt"),
        share=8,
    ),
    Target("workers", read_workers, (_lines(_worked(_EXAMPLES[0], "w1", "w2"), _worked(_EXAMPLES[1], "w1")),), share=4),
    Target("optimization", read_optimization, (_lines({"promptOptimizationResults": [_OPTIMIZED]}),), share=4),
    Target("losses", read_losses, _METRICS, (b"step_number", b"training_loss", b"1e308", b"-inf"), share=4),
)
