"""
Choose the prompts that test a standing endpoint before its model becomes the champion, and check the answers.

The prompts come from evaluation rows that have short documents and to which the model has already given a complete
answer. So an answer that is cut off or blank shows a fault of the endpoint. The texts of the answers are not compared.
"""

from __future__ import annotations

from collections.abc import Iterable

from include.distill.config.catalog import Model
from include.distill.core.errors import PromotionError
from include.distill.dataset.records import Row
from include.distill.evaluation.endpoint_records import SmokePrompt, SmokePrompts
from include.distill.evaluation.records import Answer
from include.distill.inference.answer_endings import ending_of
from include.distill.inference.requests import Completion, ModelRequest
from include.distill.inference.student import Student


def smoke_prompts(rows: Iterable[Row], answers: Iterable[Answer], student: Student, *, count: int) -> SmokePrompts:
    """
    Return the prompts of the rows with the shortest documents that the model answered completely.

    :param rows: the evaluation rows.
    :param answers: the model's answers to them.
    :param count: number of prompts.
    :raises PromotionError: the model answered too few rows completely.
    """
    complete = {
        answer["row_id"] for answer in answers if ending_of(answer.get("stop_reason"), answer["answer"]) == "complete"
    }
    prompts = prompts_of_rows((row for row in rows if row["row_id"] in complete), student, count=count)
    if len(prompts["prompts"]) < count:
        raise PromotionError(
            f"Only {len(complete)} answers of the winner are complete. The smoke test needs {count} questions to which"
            " the winner gave a complete answer.",
            left="The standing endpoint and the champion are unchanged.",
            billed="Nothing by this task.",
            to_do=(
                "Look at answer_endings in the report. If answers are truncated, raise answering.max_tokens; if there"
                " are too few evaluation rows, lower promotion.smoke_prompts."
            ),
            then_clear="preflight with downstream",
        )
    return prompts


def prompts_of_rows(rows: Iterable[Row], student: Student, *, count: int) -> SmokePrompts:
    """Return the prompts of the rows with the shortest documents, at most ``count``."""
    shortest = sorted(rows, key=lambda row: (len(row["document"]), row["row_id"]))[:count]
    return {"prompts": [_prompt(row, student) for row in shortest]}


def _prompt(row: Row, student: Student) -> SmokePrompt:
    request = student.request(row)
    return {
        "row_id": row["row_id"],
        "system": request.system,
        "user": request.user,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
    }


def smoke_request(prompt: SmokePrompt, *, model: Model, model_arn: str, endpoint_arn: str) -> ModelRequest:
    """
    Return the request that sends a prompt to the standing endpoint.

    :param model: the base model of the champion.
    """
    return ModelRequest(
        model=model,
        identity=model_arn,
        invoke_id=endpoint_arn,
        system=prompt["system"],
        user=prompt["user"],
        max_tokens=prompt["max_tokens"],
        temperature=prompt["temperature"],
    )


def smoke_problem(completion: Completion) -> str | None:
    """
    Return what is wrong with an answer, as the end of a sentence; ``None`` if nothing is wrong.

    The sentence does not quote the answer.
    """
    ending = ending_of(completion.stop_reason, completion.text)
    if ending == "complete":
        return None
    if ending == "empty":
        return "is blank"
    return f"is {ending} (stop reason {completion.stop_reason!r})"
