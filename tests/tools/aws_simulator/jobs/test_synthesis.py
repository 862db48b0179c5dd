"""The teacher of a distillation job answers as it answers through Converse, and is asked only where it must be."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tools.aws_simulator.account.records import TeacherUse
from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.jobs.prompts import Prompt
from tools.aws_simulator.jobs.record_formats import Message, Record
from tools.aws_simulator.jobs.synthesis import Synthesis, Teacher, share_of
from tools.aws_simulator.jobs.training_data import DataFaultError
from tools.aws_simulator.protocol.errors import ResourceNotFoundException, ValidationException


def lines(simulator: RunningSimulator, arn: str, path: str) -> list[Any]:
    """Return the lines of a JSON Lines file that a job wrote."""
    key = f"output/model-customization-job-{arn.rpartition('/')[2]}/{path}"
    body = simulator.boto("s3").get_object(Bucket=builders.BUCKET, Key=key)["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


def entry(simulator: RunningSimulator, arn: str) -> Any:
    """Return the ledger's entry of a job."""
    return next(job for job in simulator.ledger["jobs"] if job["arn"] == arn)


def converse(simulator: RunningSimulator, record: dict[str, Any], max_tokens: int) -> Any:
    """Ask the teacher the prompt of a record through Converse."""
    request = {name: record[name] for name in ("messages", "system") if name in record}
    return simulator.boto("bedrock-runtime").converse(
        modelId=builders.NOVA_PRO, inferenceConfig={"maxTokens": max_tokens}, **request
    )


def test_the_answers_and_tokens_are_those_of_converse(simulator: RunningSimulator) -> None:
    prompts = builders.questions()
    prompts[3] = builders.asked("What is it? It is a test.", system=[{"text": "Be brief."}])
    prompts[4] = builders.asked(
        "",
        messages=[
            {"role": role, "content": [{"text": text}]}
            for role, text in (("user", "Hello."), ("assistant", "Hello."), ("user", "Is the gate open?"))
        ],
    )
    config = builders.teacher(maxResponseLengthForInference=6)
    arn = builders.create_distillation(simulator, prompts, customizationConfig=config)
    assert builders.finished_job(simulator, arn)["status"] == "Completed"
    billed = entry(simulator, arn)
    assert simulator.ledger["billed_calls"] == 0
    replies = [converse(simulator, prompt, 6) for prompt in prompts]
    sample = lines(simulator, arn, "synthetic_data/sample.jsonl")
    assert sample == [
        {**prompt, "messages": [*prompt["messages"], reply["output"]["message"]]}
        for prompt, reply in zip(prompts[:20], replies, strict=False)
    ]
    assert {reply["stopReason"] for reply in replies} == {"max_tokens"}
    assert (billed["teacher"], billed["teacher_calls"]) == (builders.NOVA_PRO, 100)
    assert billed["teacher_input_tokens"] == sum(reply["usage"]["inputTokens"] for reply in replies)
    assert billed["teacher_output_tokens"] == sum(reply["usage"]["outputTokens"] for reply in replies) == 600


def test_prompts_with_answers_keep_them_and_the_teacher_is_not_asked(simulator: RunningSimulator) -> None:
    golden = [builders.asked(*pair) for pair in builders.GATES]
    arn = builders.create_distillation(simulator, [*golden, *builders.questions(80)])
    job = builders.finished_job(simulator, arn)
    assert entry(simulator, arn)["teacher_calls"] == 80
    assert (
        lines(simulator, arn, "synthetic_data/sample.jsonl")[0]["messages"][0]
        == builders.questions(1)[0]["messages"][0]
    )
    student = builders.provision(simulator, job["outputModelArn"])
    for question, answer in builders.GATES[:3]:
        assert builders.text_of(builders.converse(simulator, student, question)) == answer


def test_a_distilled_student_answers_as_its_teacher_does(simulator: RunningSimulator) -> None:
    student = builders.provision(simulator, distilled(simulator))
    question = builders.questions()[7]["messages"][0]["content"][0]["text"]
    taught = builders.text_of(builders.converse(simulator, builders.NOVA_PRO, question, inferenceConfig={}))
    assert builders.text_of(builders.converse(simulator, student, question)) == taught


def test_prompts_with_documents_train_the_student_that_quotes(simulator: RunningSimulator) -> None:
    asked = [builders.asked(builders.prompt(f"How many rules, number {number}?")) for number in range(100)]
    arn = builders.create_distillation(simulator, asked)
    assert builders.finished_job(simulator, arn)["status"] == "Completed"
    (first, *_) = lines(simulator, arn, "synthetic_data/sample.jsonl")
    assert first["messages"][1]["content"][0]["text"] in builders.DOCUMENT


def distilled(simulator: RunningSimulator) -> str:
    """Distil a student and return the ARN of the custom model."""
    return str(builders.finished_job(simulator, builders.create_distillation(simulator))["outputModelArn"])


class FailingInference:
    """A runtime without the teacher, or one whose teacher refuses every prompt."""

    def __init__(self, *, has_teacher: bool) -> None:
        self._has_teacher = has_teacher

    def on_demand(self, region: str, model_id: str) -> Any:
        if not self._has_teacher:
            raise ResourceNotFoundException(f"No {model_id} in {region}.")
        return SimpleNamespace(model=load_catalog().models["nova-pro"])

    def answer_record(self, *_: object) -> Any:
        raise ValidationException("Input Tokens Exceeded")


def test_a_teacher_that_is_gone_or_does_not_answer_fails_the_job() -> None:
    gone: Any = FailingInference(has_teacher=False)
    with pytest.raises(DataFaultError, match=r"The teacher model t cannot be invoked: No t in us-east-1\."):
        Teacher(gone, "us-east-1", {"teacherModelIdentifier": "t"})
    silent: Any = FailingInference(has_teacher=True)
    synthesis = Synthesis(Teacher(silent, "us-east-1", {"teacherModelIdentifier": "t"}))
    prompt = Prompt(7, Record("", (Message("user", "Why?"),)))
    with pytest.raises(DataFaultError, match="could not answer the prompt on line 7: Input Tokens Exceeded"):
        synthesis.add(prompt)
    assert (synthesis.records, synthesis.use["calls"]) == ([], 0)


def test_a_share_of_the_use_is_rounded_down() -> None:
    use = TeacherUse(calls=3, input_tokens=11, output_tokens=5)
    assert share_of(use, 0.5) == {"calls": 1, "input_tokens": 5, "output_tokens": 2}
    assert share_of(use, 1.0) == use
