"""
Build the dataset and the request of an evaluation job in which human workers compare two answers.

Each line of the dataset is one example of a blinded sample. Its two responses are called ``answer-a`` and ``answer-b``.
These names do not reveal the arms, because a draw has decided for each example which arm's answer is A.

Workers give two ratings. They choose the better response, and they say on a scale from 1 to 5 how much the responses
differ. The middle of the scale is a tie. AWS does not document which end of the scale belongs to which response, so
only the choice decides which response is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from include.distill.config.evaluation_settings import HumanEvaluation
from include.distill.labeling.records import LabelExample
from include.distill.managed_evaluation.plan import EvaluationPlan, dataset_metrics, encode_dataset
from include.distill.managed_evaluation.records import SourceResponse

ANSWER_A, ANSWER_B = SOURCES = ("answer-a", "answer-b")
CHOICE_METRIC, SCALE_METRIC = "Better", "Difference"
TIE = 3  # the middle of the scale
# What the job evaluates, and who evaluates it. Both are parts of the job's name, which does not reveal the arms.
LABELS, WORKERS = "labels", "workers"
TASK_TYPE = "QuestionAndAnswer"
NO_TEXT = "(This answer is empty.)"  # Bedrock may refuse a response without text
# Two ratings replace one with three values, because a choice between two responses has no value for a tie.
RULES = (
    "Give two ratings. 1. Better: choose the better response. If both are equally good, choose either of them."
    " 2. Difference: rate how much the responses differ on the scale. If both are equally good, choose the middle of"
    " the scale (3), which counts as a tie. Otherwise, choose another value than 3."
)


class WorkerDatasetLine(TypedDict):
    """
    One example for human workers, in Bedrock's format.

    The record is stored in ``<prefix>/evaluations/<sha256>/dataset.jsonl``.
    """

    prompt: str
    modelResponses: list[SourceResponse]


def dataset_line(example: LabelExample) -> WorkerDatasetLine:
    """Return the line of an example. It shows what people see in Airflow: the question, both answers, the document."""
    shown = ((ANSWER_A, example["answer_a"]), (ANSWER_B, example["answer_b"]))
    return {
        "prompt": worker_prompt(example["question"], example["document"]),
        "modelResponses": [
            {"response": text if text.strip() else NO_TEXT, "modelIdentifier": source} for source, text in shown
        ],
    }


def worker_prompt(question: str, document: str) -> str:
    """Return the text that workers see above the two responses."""
    return f"Question:\n{question}\n\nDocument:\n{document}"


def full_instructions(settings: HumanEvaluation) -> str:
    """
    Return the instructions that workers see: those of the use case, and how to give the ratings.

    They are HTML, as in AWS's example:
    https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-jobs-management-create-human.html
    """
    return f"<p>{settings.instructions}</p>\n<p>{RULES}</p>"


def worker_plan(settings: HumanEvaluation, examples: Sequence[LabelExample]) -> EvaluationPlan:
    """Return the plan of the job in which the workers of a use case compare the answers of the examples."""
    human: dict[str, object] = {
        "humanWorkflowConfig": {
            "flowDefinitionArn": settings.flow_definition_arn,
            "instructions": full_instructions(settings),
        },
        "customMetrics": _metrics(),
        "datasetMetricConfigs": [dataset_metrics(TASK_TYPE, [CHOICE_METRIC, SCALE_METRIC])],
    }
    return EvaluationPlan(LABELS, WORKERS, {"human": human}, SOURCES, encode_dataset(map(dataset_line, examples)))


def _metrics() -> list[dict[str, str]]:
    # The service model limits a description to 63 characters.
    return [
        {
            "name": CHOICE_METRIC,
            "description": "Which response is better? If both are equal: either one.",
            "ratingMethod": "ComparisonChoice",
        },
        {
            "name": SCALE_METRIC,
            "description": "How much do the responses differ? 3 means equally good.",
            "ratingMethod": "ComparisonLikertScale",
        },
    ]
