"""
Answer the prompts of a distillation job with the simulated teacher.

The teacher is the simulated model that answers the same prompt through Converse, so it gives the same answer. A prompt
that has an answer in the file keeps this answer, and the teacher is not asked. AWS's guide says that Bedrock may use
such answers as examples for the teacher. Whether Bedrock then trains the student on the answer in the file or on one
of the teacher is UNVERIFIED.
https://docs.aws.amazon.com/bedrock/latest/userguide/model-distillation.html

Bedrock may also add prompts of its own to those of the file. The simulator adds none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tools.aws_simulator.account.records import TeacherModelConfig, TeacherUse
from tools.aws_simulator.jobs.prompts import Prompt, write_record
from tools.aws_simulator.jobs.record_formats import Message, Record
from tools.aws_simulator.jobs.training_data import DataFaultError
from tools.aws_simulator.protocol.errors import ApiError
from tools.aws_simulator.runtime.inference import Charge, Inference


class Teacher:
    """
    The teacher of one job.

    :raises DataFaultError: the model does not exist any more. The message is UNVERIFIED.
    """

    def __init__(self, inference: Inference, region: str, config: TeacherModelConfig) -> None:
        self._inference = inference
        self._region = region
        self.identifier = config["teacherModelIdentifier"]
        try:
            model = inference.on_demand(region, self.identifier).model
        except ApiError as error:
            raise DataFaultError(f"The teacher model {self.identifier} cannot be invoked: {error}") from error
        self.model_id = model.id
        # The number of tokens that Bedrock requests if the job does not limit them is UNVERIFIED.
        self._max_tokens = config.get("maxResponseLengthForInference", model.max_output_tokens)

    def ask(self, prompt: Prompt) -> tuple[str, Charge]:
        """Return the teacher's answer to a prompt, and what it costs.

        :raises DataFaultError: the teacher cannot answer the prompt. The message is UNVERIFIED.
        """
        request = write_record(prompt.record)
        del request["schemaVersion"]
        request["inferenceConfig"] = {"maxTokens": self._max_tokens}
        try:
            answer, charge = self._inference.answer_record(self._region, self.identifier, "Converse", request)
        except ApiError as error:
            raise DataFaultError(
                f"The teacher model could not answer the prompt on line {prompt.line}: {error}"
            ) from error
        return _text(answer), charge


def _text(answer: dict[str, Any]) -> str:
    blocks = answer["output"]["message"]["content"]
    return "\n".join(block["text"] for block in blocks if "text" in block)


class Synthesis:
    """
    The answered prompts of one job.

    ``records`` has all of them. ``synthetic`` has those that the teacher answered, and ``use`` counts its tokens.
    """

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher
        self.records: list[Record] = []
        self.synthetic: list[Record] = []
        self.use = TeacherUse(calls=0, input_tokens=0, output_tokens=0)

    def add(self, prompt: Prompt) -> None:
        """Add a prompt. The teacher answers it if the file has no answer."""
        if prompt.has_answer:
            self.records.append(prompt.record)
            return
        text, charge = self._teacher.ask(prompt)
        answered = replace(prompt.record, messages=(*prompt.record.messages, Message("assistant", text)))
        self.records.append(answered)
        self.synthetic.append(answered)
        self.use = TeacherUse(
            calls=self.use["calls"] + 1,
            input_tokens=self.use["input_tokens"] + charge.input_tokens,
            output_tokens=self.use["output_tokens"] + charge.output_tokens,
        )


def share_of(use: TeacherUse, share: float) -> TeacherUse:
    """Return what is billed of ``use`` if only this share of the time for it had passed."""
    return TeacherUse(
        calls=int(use["calls"] * share),
        input_tokens=int(use["input_tokens"] * share),
        output_tokens=int(use["output_tokens"] * share),
    )
