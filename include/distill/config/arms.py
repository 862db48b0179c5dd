"""Define the arms of a use case, which are the models that are compared, and the comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from include.distill.config.catalog import load_catalog
from include.distill.config.reserved_names import RESERVED_ARM_NAMES
from include.distill.config.section import Count, Section

ArmKind = Literal["base", "fine_tuned", "distilled", "champion"]
_OF_DISTILLED_ARMS = ("teacher", "golden_answers")
_OPTIONAL = (*_OF_DISTILLED_ARMS, "prompt")


class Arm(Section):
    """
    One model that is compared: the base student, a student that is trained, or the champion.

    A ``fine_tuned`` student is trained on a mix of rows and pairs. ``originals: N`` takes the first N rows.
    ``synthetic: M`` takes the first M pairs that the teacher wrote from these rows, or from all rows if ``originals``
    is 0. A use case is refused if an arm requests more than the settings can provide. An arm may still get fewer rows
    or pairs, because some may be rejected.

    A ``distilled`` student is trained by Bedrock's Model Distillation. The questions of the rows and pairs are its
    prompts, which a teacher answers during the job. By default, the prompts are the questions of all rows.

    A ``base`` student with ``prompt: optimized`` is not trained. Bedrock rewrites its prompt, so that the report shows
    whether training was needed at all.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=16)]
    kind: ArmKind = "fine_tuned"
    originals: Count | Literal["all"] = "all"
    synthetic: Count | Literal["all"] = "all"
    teacher: str | None = Field(None, description="the model that Bedrock asks during a distillation job")
    golden_answers: Literal["ours"] | None = Field(
        None, description="with `ours`, the stored answer to each prompt is sent to the distillation job"
    )
    prompt: Literal["optimized"] | None = Field(
        None, description="with `optimized`, a job of Bedrock rewrites the prompt of a base student"
    )

    @model_validator(mode="before")
    @classmethod
    def _distilled_arms_need_no_pairs(cls, raw: Any) -> Any:
        if isinstance(raw, Mapping) and raw.get("kind") == "distilled":
            return {"synthetic": 0, **raw}
        return raw

    @field_validator("teacher")
    @classmethod
    def _teacher_is_known(cls, name: str | None) -> str | None:
        return None if name is None else load_catalog().model(name).key

    @model_validator(mode="after")
    def _mix_fits_kind(self) -> Arm:
        if not self.is_trained and (self.originals, self.synthetic) != ("all", "all"):
            message = (
                f"arm {self.name} is of kind {self.kind}, which is not trained; expected neither the key"
                " originals nor the key synthetic"
            )
            raise ValueError(message)
        if self.is_trained and not self.originals and not self.synthetic:
            message = f"arm {self.name} has neither originals nor synthetic pairs, so there is nothing to train on"
            raise ValueError(message)
        if self.kind != "distilled" and (found := [key for key in _OF_DISTILLED_ARMS if getattr(self, key)]):
            message = (
                f"arm {self.name} is of kind {self.kind} and has the key {' and the key '.join(found)}; only arms of"
                " kind distilled have these keys"
            )
            raise ValueError(message)
        if self.has_optimized_prompt and self.kind != "base":
            message = (
                f"arm {self.name} is of kind {self.kind} and has prompt: {self.prompt}; only arms of kind base can have"
                " an optimized prompt. Remove the key, or set kind: base"
            )
            raise ValueError(message)
        return self

    @model_serializer(mode="wrap")
    def _without_unused_keys(self, dump: SerializerFunctionWrapHandler) -> dict[str, object]:
        # A stored use case of an earlier version lacks these keys. Its arms must not seem to have changed.
        raw: dict[str, object] = dump(self)
        return {key: value for key, value in raw.items() if value is not None or key not in _OPTIONAL}

    @property
    def has_optimized_prompt(self) -> bool:
        """Whether a prompt optimization job rewrites the prompt of this arm."""
        return self.prompt == "optimized"

    @property
    def is_trained(self) -> bool:
        """Whether a customization job trains the student of this arm."""
        return self.kind in ("fine_tuned", "distilled")

    @property
    def wants_pairs(self) -> bool:
        """Whether the teacher of the use case has to write pairs for this arm."""
        return self.is_trained and self.synthetic != 0

    def excess(self, rows: int | None, pairs_per_row: int) -> str | None:
        """Return a message if the arm requests more rows or pairs than there can be; otherwise ``None``.

        :param rows: the largest number of rows; ``None`` if it is not limited.
        """
        if rows is not None and self.originals != "all" and self.originals > rows:
            return f"arm {self.name} requests {self.originals} originals, but source.documents is {rows}"
        maximum = rows if self.originals in ("all", 0) else int(self.originals)
        if maximum is not None and self.synthetic != "all" and self.synthetic > maximum * pairs_per_row:
            return (
                f"arm {self.name} requests {self.synthetic} synthetic pairs, but {maximum} rows give at most"
                f" {maximum * pairs_per_row} (pairs_per_document is {pairs_per_row})"
            )
        return None


def arms_problem(arms: Sequence[Arm]) -> str | None:
    """Return what is wrong with the names or kinds of the arms of a use case; ``None`` if nothing is."""
    names = [arm.name for arm in arms]
    if reserved := sorted(RESERVED_ARM_NAMES.intersection(names)):
        return f"found the names {reserved}, which every run uses for its tasks; expected other names"
    if len(set(names)) != len(names):
        return f"found the names {names}, expected a different name for each arm"
    if len(champions := [arm.name for arm in arms if arm.kind == "champion"]) > 1:
        return f"found the champion arms {champions}, expected at most one"
    return None


class Comparison(Section):
    """A pair of arms that the judges compare to decide whether ``candidate`` is better."""

    candidate: str
    baseline: str


def default_comparisons(arms: Sequence[Arm]) -> tuple[Comparison, ...]:
    """
    Return the comparisons of each trained arm with the champion arms, and then those with the base arms.

    The last comparisons are those of each base arm that has an optimized prompt with the plain base arms.
    """
    baselines = [arm.name for kind in ("champion", "base") for arm in arms if arm.kind == kind]
    trained = [arm.name for arm in arms if arm.is_trained]
    plain = [arm.name for arm in arms if arm.kind == "base" and not arm.has_optimized_prompt]
    optimized = [arm.name for arm in arms if arm.has_optimized_prompt]
    return (
        *(Comparison(candidate=arm, baseline=baseline) for baseline in baselines for arm in trained),
        *(Comparison(candidate=arm, baseline=baseline) for baseline in plain for arm in optimized),
    )


def comparisons_problem(pairs: Sequence[Comparison], arms: Sequence[Arm]) -> str | None:
    """Return what is wrong with the comparisons of a use case; ``None`` if nothing is."""
    names = {arm.name for arm in arms}
    for pair in pairs:
        if unknown := {pair.candidate, pair.baseline} - names:
            return f"the unknown arms {sorted(unknown)} are listed in comparisons; the arms are {sorted(names)}"
        if pair.candidate == pair.baseline:
            return f"a comparison compares {pair.candidate!r} with itself; expected two different arms"
    if not pairs:
        return "nothing is compared; expected a base arm and a trained arm, or a list of comparisons"
    if len(set(pairs)) != len(pairs):
        return "comparisons name a pair of arms twice; expected each pair of arms once"
    return None
