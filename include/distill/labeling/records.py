"""Define the records of labeling: the sample, people's labels, and the results of the labeling tasks."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

# How people label: the choice in the trigger form.
LabelMode = Literal["ask in Airflow", "write the sheet only", "read a labelled sheet", "ask workers through Bedrock"]
# What a person can choose for an example.
Choice = Literal["A", "B", "Tie", "No answer"]
# What a labeler chose, translated from A and B.
Preference = Literal["candidate", "baseline", "tie"]


class LabelExample(TypedDict):
    """
    One example of the blinded sample, with the key that shows which arm gave which answer.

    The record is stored in ``report/label_sample/<candidate>--<baseline>/key-<hash>.jsonl``. The sheet that people see
    does not contain the field ``a``, which says which arm gave answer A.
    """

    example: str  # ``<number>-<hash of run and arms>-<hash of row and answers>``
    row_id: str
    question: str
    document: str
    answer_a: str
    answer_b: str
    a: Literal["candidate", "baseline"]  # which arm gave answer A


class Label(TypedDict):
    """One person's label on one question. The record is stored in ``report/labels/<labeler>.jsonl``."""

    row_id: str
    candidate: str  # arm
    baseline: str  # arm
    answers: NotRequired[str | None]  # hash of both answers, candidate first; absent in earlier versions
    labeller: str
    verdict: Preference
    labelled_at: NotRequired[str]  # ISO 8601, UTC; may be absent, because no code reads it


class LabelCounts(TypedDict):
    """
    Counts of the stored labels: those that are used and those that are not.

    The record is stored as ``labels`` in ``report/report.json``.
    """

    counted: int  # labels on answers that the run still has
    changed: int  # labels on answers that the run no longer has
    unmarked: int  # labels without a hash of the answers


class SampleManifest(TypedDict):
    """
    Result of ``draw_sample``: where the sample is stored, and how people label it.

    The record is passed through XCom only.
    """

    run_uri: str
    candidate: str
    baseline: str
    examples: int  # number of examples to label; the key may contain more examples
    sheet_uri: str
    key_uri: str
    how: LabelMode


class LabelsManifest(TypedDict):
    """Result of ``collect_labels``. The record is passed through XCom only."""

    labels: int
    no_answer: int  # examples without a label
    outdated: int  # labels that are not stored, because the answers have changed since the sheet was written
    invalid: NotRequired[int]  # answers of human workers that cannot be used; absent if no worker was asked
    missing: NotRequired[int]  # answers that human workers did not give; absent if no worker was asked
    labellers: list[str]
    report_html_uri: str
