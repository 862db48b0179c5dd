"""Define the records of labeling: the sample, the labels of people, and the results of the labeling tasks."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

# How people are asked: the choice in the trigger form.
LabelMode = Literal["ask in Airflow", "write the sheet only", "read a labelled sheet"]
# What a person can choose for an example.
Choice = Literal["A", "B", "Tie", "No answer"]
# What a labeler chose, translated from A and B.
Preference = Literal["candidate", "baseline", "tie"]


class LabelExample(TypedDict):
    """
    One example of the blinded sample, with the key to it.

    Stored in ``report/label_sample/<candidate>--<baseline>/key-<hash>.jsonl``. The sheet next to it has no ``a``.
    """

    example: str  # ``<number>-<hash of run and arms>-<hash of row and answers>``
    row_id: str
    question: str
    document: str
    answer_a: str
    answer_b: str
    a: Literal["candidate", "baseline"]  # whose answer is answer A


class Label(TypedDict):
    """One person's label of one question. Stored in ``report/labels/<labeler>.jsonl``."""

    row_id: str
    candidate: str  # arm
    baseline: str  # arm
    answers: NotRequired[str]  # hash of both answers, the candidate's first; absent from labels of earlier versions
    labeller: str
    verdict: Preference
    labelled_at: str  # ISO 8601, UTC


class LabelCounts(TypedDict):
    """How many stored labels are of the run's answers. Stored as ``labels`` of ``report/report.json``."""

    counted: int  # of the answers that the run has
    changed: int  # of answers that the run no longer has
    unmarked: int  # that do not say which answers they are of


class SampleManifest(TypedDict):
    """Result of ``draw_sample``: where the sample is, and how it is asked. Passed by XCom only."""

    run_uri: str
    aws_conn_id: str
    region_name: str
    candidate: str
    baseline: str
    examples: int  # how many are asked about; the key may hold more
    sheet_uri: str
    key_uri: str
    how: LabelMode


class LabelsManifest(TypedDict):
    """Result of ``collect_labels``. Passed by XCom only."""

    labels: int
    no_answer: int  # examples that nobody labeled
    outdated: int  # labels of a sheet whose answers have changed since; left out
    labellers: list[str]
    report_html_uri: str
