"""Define the arms of a use case, which are the models that are compared, and the comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from include.distill.config.catalog import load_catalog
from include.distill.config.key_problems import KeyProblem, refuse
from include.distill.config.reserved_names import RESERVED_ARM_NAMES
from include.distill.config.section import Count, Section
from include.distill.core.shown_values import shown

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
        refuse(self._kind_problems())
        return self

    def _kind_problems(self) -> Iterator[KeyProblem]:
        """Yield a problem for each key that does not fit the kind of the arm."""
        arm = f"arm {self.name} is of kind {self.kind}"
        for key in ("originals", "synthetic"):
            if not self.is_trained and getattr(self, key) != "all":
                yield KeyProblem(
                    (key,),
                    f"{arm}, which is not trained, but has {key}: {getattr(self, key)}; expected neither the key"
                    " originals nor the key synthetic. Remove the key",
                )
        if self.is_trained and not self.originals and not self.synthetic:
            yield KeyProblem(
                ("originals",),
                f"arm {self.name} has neither originals nor synthetic pairs, so there is nothing to train on; expected"
                " a number above 0, or all, for one of the two keys",
            )
        for key in _OF_DISTILLED_ARMS:
            if self.kind != "distilled" and getattr(self, key):
                yield KeyProblem(
                    (key,),
                    f"{arm} and has {key}: {getattr(self, key)}; only arms of kind distilled have this key. Remove the"
                    " key, or set kind: distilled",
                )
        if self.has_optimized_prompt and self.kind != "base":
            yield KeyProblem(
                ("prompt",),
                f"{arm} and has prompt: {self.prompt}; only arms of kind base can have an optimized prompt. Remove the"
                " key, or set kind: base",
            )

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

    def excess(self, rows: int | None, pairs_per_row: int) -> KeyProblem | None:
        """Return a problem if the arm requests more rows or pairs than there can be; otherwise ``None``.

        :param rows: the largest number of rows; ``None`` if it is not limited.
        """
        if rows is not None and self.originals != "all" and self.originals > rows:
            text = f"arm {self.name} requests {self.originals:,} originals, but source.documents is {rows:,}"
            return KeyProblem(("originals",), text)
        maximum = rows if self.originals in ("all", 0) else int(self.originals)
        if maximum is not None and self.synthetic != "all" and self.synthetic > maximum * pairs_per_row:
            text = (
                f"arm {self.name} requests {self.synthetic:,} synthetic pairs, but {maximum:,} rows give at most"
                f" {maximum * pairs_per_row:,} (pairs_per_document is {pairs_per_row})"
            )
            return KeyProblem(("synthetic",), text)
        return None


def arms_problems(arms: Sequence[Arm]) -> Iterator[KeyProblem]:
    """Yield what is wrong with the names or kinds of the arms of a use case."""
    names = [arm.name for arm in arms]
    champions = [arm.name for arm in arms if arm.kind == "champion"]
    optimized = [arm.name for arm in arms if arm.has_optimized_prompt]
    if not arms:
        yield KeyProblem((), "found [], expected a list of arms, such as {name: base, kind: base} and {name: tuned}")
    for index, name in enumerate(names):
        if name in RESERVED_ARM_NAMES:
            text = f"found the name {name!r}, which every run uses for its tasks; expected another name"
            yield KeyProblem((index, "name"), text)
        if name in names[:index]:
            text = f"found the name {name!r} again; expected a different name for each arm"
            yield KeyProblem((index, "name"), text)
        if name in champions[1:]:
            text = f"found the champion arms {champions}, expected at most one. Remove the others"
            yield KeyProblem((index, "kind"), text)
        if name in optimized[1:]:
            text = (
                f"arm {name} has prompt: optimized, as arm {optimized[0]} has; expected at most one such arm, because"
                " another one would buy a job for the same prompt and samples again. Remove the key or the arm"
            )
            yield KeyProblem((index, "prompt"), text)


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


def comparisons_problem(pairs: Sequence[Comparison], arms: Sequence[Arm]) -> KeyProblem | None:
    """Return what is wrong with the comparisons of a use case; ``None`` if nothing is."""
    names = [arm.name for arm in arms]
    for index, pair in enumerate(pairs):
        for key in ("candidate", "baseline"):
            if getattr(pair, key) not in names:
                return KeyProblem(("comparisons", index, key), unknown_arm(getattr(pair, key), names))
        if pair.candidate == pair.baseline:
            text = f"a comparison compares {pair.candidate!r} with itself; expected two different arms"
            return KeyProblem(("comparisons", index), text)
        if pair in pairs[:index]:
            text = (
                f"found the candidate {pair.candidate} with the baseline {pair.baseline} twice; expected each pair of"
                " arms once. Remove the second one"
            )
            return KeyProblem(("comparisons", index), text)
    if not pairs:
        text = f"nothing is compared, because no two arms are compared by default; expected {_missing_arm(arms)}"
        return KeyProblem(("comparisons",), f"{text}. Add such an arm, or a list of comparisons")
    return None


def unknown_arm(name: str, names: Sequence[str]) -> str:
    """Return the problem that a use case has no arm with a name."""
    return (
        f"found the unknown arm {shown(name)}; expected one of the use case's arms {', '.join(names)}. Correct the"
        " name, or add the arm"
    )


def _missing_arm(arms: Sequence[Arm]) -> str:
    """Return which arm would be compared with the arms of a use case in which nothing is compared by default."""
    if any(arm.has_optimized_prompt for arm in arms):
        return "a plain base arm (kind: base without prompt: optimized) or a trained arm"
    if any(arm.is_trained for arm in arms):
        return "a base arm or a champion arm"
    if any(arm.kind == "base" for arm in arms):
        return "a trained arm (kind: fine_tuned or distilled) or a base arm with prompt: optimized"
    return "a trained arm (kind: fine_tuned or distilled)"
