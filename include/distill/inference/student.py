"""
Build the requests to a student in exactly the text format that the student is trained on.

Training and inference must use the same text, so both call the functions of this module. The functions render the
prompt, add the instruction as the system prompt or before the user text, and escape reserved strings. For some
families, a customization job fails if the user text or the system prompt contains a string such as ``System:``, and
some documents contain these strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from include.distill.config.catalog import Family, Model, load_catalog
from include.distill.config.placeholders import fill
from include.distill.config.prompts import Prompt
from include.distill.config.sections import Answering
from include.distill.config.use_case import UseCase
from include.distill.inference.records import DocumentQuestion
from include.distill.inference.requests import ModelRequest
from include.distill.text.normalization import is_blank
from include.distill.text.reserved_strings import escape


@dataclass(frozen=True)
class Student:
    """
    The student of one arm: the model that answers, with its prompt and settings.

    :param family: the model family. It determines where the instruction is placed and which strings are escaped.
    :param identity: inference id of the base model, or ARN of the custom model; see :class:`ModelRequest`.
    :param invoke_id: model id in the API call: ``identity``, or the ARN of the deployment or provisioned throughput
        that serves the custom model.
    :param prompt: template of the user text, with ``document`` and ``question``.
    :param instruction: the system prompt; may be empty.
    :param optimized: the prompt that a job optimized, with ``{{document}}`` and ``{{question}}``. It contains the
        instruction. If it is given, ``prompt`` and ``instruction`` are not used.
    """

    model: Model
    family: Family
    identity: str
    invoke_id: str
    prompt: Prompt
    instruction: str
    settings: Answering
    optimized: str | None = None

    @classmethod
    def from_use_case(
        cls,
        use_case: UseCase,
        prompts: Mapping[str, Prompt],
        *,
        base_model: str | None = None,
        model_arn: str | None = None,
        invoke_id: str | None = None,
        optimized: str | None = None,
    ) -> Student:
        """
        Return the student that gives an arm's answers.

        :param prompts: the run's frozen prompts, by name.
        :param base_model: for a champion, the key of its base model in models.yaml. It may differ from
            ``use_case.student``.
        :param model_arn: ARN of the custom model; ``None`` for the base student, which is called on demand.
        :param invoke_id: ARN of the deployment or provisioned throughput that serves the custom model.
        :param optimized: the optimized prompt of the arm; ``None`` if the arm has the prompt of the use case.
        :raises UseCaseError: the model is unknown, or Bedrock cannot fine-tune it.
        """
        model = use_case.catalog_model(base_model or use_case.student)
        return cls(
            model=model,
            family=load_catalog().family_of(model),
            identity=model_arn or model.inference_id,
            invoke_id=invoke_id or model_arn or model.inference_id,
            prompt=prompts[use_case.prompts.answering],
            instruction=use_case.prompts.instruction,
            settings=use_case.answering,
            optimized=optimized,
        )

    def request(self, row: DocumentQuestion, *, sample: int = 0) -> ModelRequest:
        """Return the request for the student's answer to ``row``. To request a second answer, set ``sample`` to 1."""
        system, user = self._texts(row["document"], row["question"])
        return ModelRequest(
            model=self.model,
            identity=self.identity,
            invoke_id=self.invoke_id,
            system=system,
            user=user,
            max_tokens=self.settings.max_tokens,
            temperature=self.settings.temperature,
            sample=sample,
        )

    def _texts(self, document: str, question: str) -> tuple[str, str]:
        """Return the system prompt and the user text of a request."""
        if self.optimized is not None:
            # The job tested this prompt as it is, so only the texts are escaped, as they are in the job's samples.
            texts = (escape_reserved(text, self.family) for text in (document, question))
            return "", fill(self.optimized, *texts)
        return system_and_user_text(
            user=student_input(document, question, prompt=self.prompt, family=self.family),
            instruction=escape_reserved(self.instruction, self.family),
            family=self.family,
        )


def student_input(document: str, question: str, *, prompt: Prompt, family: Family) -> str:
    """Return the student's user text, with reserved strings escaped."""
    return escape_reserved(prompt.render(document=document, question=question), family)


def system_and_user_text(*, user: str, instruction: str, family: Family) -> tuple[str, str]:
    """
    Combine the instruction with the user text and return ``(system, user)``.

    A prompt-completion training record has no field for a system prompt. For this format, the instruction precedes the
    user text, both in training and in requests to the student.

    :param instruction: the system prompt; left out if it is blank.
    """
    if is_blank(instruction):
        return "", user
    if not family.takes_system_text:
        return "", f"{instruction}\n\n{user}"
    return instruction, user


def escape_reserved(text: str, family: Family) -> str:
    """
    Insert a space before the last character of each reserved string of the family: ``System:`` becomes ``System :``.

    Case is ignored, because AWS's validators differ on whether it matters.

    The text stays readable, and escaping it a second time changes nothing.
    """
    return escape(text, family.reserved_strings)
