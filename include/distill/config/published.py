"""
Read published figures, which a report shows next to the figures of its run.

A use case names a file in ``include/published/`` with its key ``published``. The figures were published by others, on
other models and other rows, so no decision of this project depends on them.
"""

from __future__ import annotations

import datetime
import functools
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from include.distill.config.arms import Arm
from include.distill.config.key_problems import KeyProblem, refuse
from include.distill.config.use_case_faults import describe_faults
from include.distill.core.errors import UseCaseError
from include.distill.core.paths import INCLUDE
from include.distill.core.shown_values import shown
from include.distill.core.yaml_text import load_yaml

PUBLISHED_FOLDER = INCLUDE / "published"


class _Published(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedFigure(_Published):
    """
    A published preference of one judge for one arm over another.

    :param preference: wins divided by the sum of wins and losses.
    :param wins: the published count; None if the source gives percentages only.
    :param verified: whether the figure was read in a source of its own, besides the project's notes.
    """

    candidate: str
    baseline: str
    judge: str
    preference: float = Field(ge=0, le=1)
    wins: int | None = Field(None, ge=0)
    losses: int | None = Field(None, ge=0)
    verified: bool
    source: str

    @model_validator(mode="after")
    def _counts_fit_the_preference(self) -> PublishedFigure:
        if (self.wins is None) != (self.losses is None):
            raise ValueError("expected both wins and losses, or neither of them")
        if self.wins is None or self.losses is None:
            return self
        decided = self.wins + self.losses
        if not decided or abs(self.wins / decided - self.preference) > 0.001:
            raise ValueError(f"the preference {self.preference} is not {self.wins} wins of {decided} decided questions")
        return self


class People(_Published):
    """The number of people who rated answers, and of the examples that they rated."""

    raters: int
    examples: int


class PublishedResults(_Published):
    """
    The published results of an experiment.

    :param questions: number of evaluation questions; None if it was not published.
    :param arms: what each arm of the use case was in the experiment, by the arm's name.
    :param fine_tuned: the arms that were fine-tuned. The others were the untrained student with the same prompt.
    """

    title: str
    url: str
    published: datetime.date
    checked: datetime.date
    models: str
    questions: int | None = None
    arms: dict[str, str]
    fine_tuned: tuple[str, ...]
    people: People | None = None
    figures: tuple[PublishedFigure, ...]

    @model_validator(mode="after")
    def _arms_are_described(self) -> PublishedResults:
        named = {arm for figure in self.figures for arm in (figure.candidate, figure.baseline)}
        if unknown := sorted(named - set(self.arms)):
            text = f"the figures name the arms {unknown}, which are not listed under arms; expected all arms of figures"
            refuse([KeyProblem(("arms",), text)])
        if unknown := sorted(set(self.fine_tuned) - set(self.arms)):
            text = f"found the arms {unknown}, which are not listed under arms; expected arms of the experiment"
            refuse([KeyProblem(("fine_tuned",), text)])
        return self

    def kind_problem(self, arm: Arm) -> str | None:
        """Return why an arm cannot stand next to the figures of its name, with a next step; ``None`` if it can."""
        if arm.name not in self.arms:
            return None
        kind = "fine_tuned" if arm.name in self.fine_tuned else "base"
        figures = f"the published figures of the arm {arm.name} are of {self.arms[arm.name]}"
        if arm.has_optimized_prompt:
            remove = "Remove the key prompt" if kind == "base" else f"Remove the key prompt and set kind: {kind}"
            return f"found prompt: {arm.prompt}, but {figures}; expected kind: {kind} without the key prompt. {remove}"
        if arm.kind != kind:
            return f"found {arm.kind}, but {figures}; expected {kind}. Set kind: {kind}, or give the arm another name"
        return None


def published_names(folder: Path = PUBLISHED_FOLDER) -> list[str]:
    """Return the names that the key ``published`` of a use case can have."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


@functools.cache
def load_published(name: str, folder: Path = PUBLISHED_FOLDER) -> PublishedResults:
    """Read published results. They are cached, because the file does not change while a process runs.

    :raises UseCaseError: there is no such file, it cannot be read, or it is not valid.
    """
    path = folder / f"{name}.yaml"
    if name not in published_names(folder):
        listed = ", ".join(published_names(folder)) or "no file"
        raise UseCaseError(f"found {shown(name)}, but include/published has no such file; expected one of {listed}")
    try:
        raw = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unusable(name, f"cannot be read as YAML in UTF-8: {error}") from error
    if not isinstance(raw, dict):
        found = "an empty file" if raw is None else f"a {type(raw).__name__}"
        raise _unusable(name, f"is not valid: expected a mapping with the keys title and figures, found {found}")
    try:
        return PublishedResults.model_validate(raw)
    except ValidationError as error:
        faults = describe_faults(error.errors(), PublishedResults)
        raise _unusable(name, f"is not valid: {'; '.join(fault.text for fault in faults)}") from error


def _unusable(name: str, problem: str) -> UseCaseError:
    return UseCaseError(
        f"include/published/{name}.yaml {problem.rstrip('.')}. Correct the file, or remove the key published from the"
        " use-case file."
    )
