"""Define the types of the records that operators get from Airflow: people's answers, and results of an arm's tasks."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NotRequired, TypedDict

from include.distill.evaluation.records import AnswerManifest
from include.distill.inference.records import ThroughputManifest
from include.distill.labeling.records import Choice
from include.distill.prompt_optimization.records import OptimizedPromptManifest
from include.distill.training.records import DatasetManifest, TrainingManifest


class RespondingUser(TypedDict):
    """The Airflow user who answered a question."""

    id: str
    name: str


class AnsweredTask(TypedDict):
    """Who answered a question in Airflow, and when. Base class of :class:`HumanResponse` and :class:`LabelResponse`."""

    params_input: dict[str, object]
    responded_at: datetime.datetime
    responded_by_user: RespondingUser | None  # None if no one answered in time


class HumanResponse(AnsweredTask):
    """Result of the tasks ``approve_spending`` and ``approve``. It is passed only through XCom."""

    chosen_options: list[str]
    asked: NotRequired[str | None]  # hash of what the person was asked; absent from answers of earlier versions


class LabelResponse(AnsweredTask):
    """Result of one mapped task of ``ask``. It is passed only through XCom."""

    chosen_options: list[Choice]
    number: int  # of the example, from 0


class ArmManifests(TypedDict):
    """Results of an arm's tasks, as ``report`` gets them from XCom."""

    answers: Sequence[AnswerManifest]  # one per shard
    provisioned: NotRequired[ThroughputManifest]  # absent for a base arm
    dataset: NotRequired[DatasetManifest]  # present only if the run trains the arm
    trained: NotRequired[TrainingManifest]
    optimized: NotRequired[OptimizedPromptManifest]  # present only if a job optimizes the arm's prompt
