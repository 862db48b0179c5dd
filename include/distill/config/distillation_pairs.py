"""Check that Bedrock's Model Distillation supports the teacher, the student and the number of prompts of an arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from include.distill.config.alternatives import alternatives
from include.distill.config.arms import Arm
from include.distill.config.catalog import Catalog, DistillationLimits, Model, load_catalog
from include.distill.config.key_problems import KeyProblem


def distillation_problem(arm: str, teacher: str, student: str, region: str) -> str | None:
    """Return why Bedrock cannot train a distilled arm in a Region; ``None`` if it can.

    :param arm: name of the arm.
    :param teacher: key of the arm's teacher.
    :param student: key of the student.
    """
    catalog = load_catalog()
    if _teaches(catalog.model(teacher), catalog.model(student), region):
        return None
    excluded = " Bedrock accepts no teacher from Anthropic." if catalog.model(teacher).provider == "anthropic" else ""
    return (
        f"arm {arm} is of kind distilled, but Bedrock cannot distil {teacher} into {student} in {region}."
        f"{excluded} Expected one of these pairs: {_supported_pairs(catalog)}. Change the arm's teacher, student or"
        " aws.region, or remove the arm"
    )


def prompt_count_problem(arm: Arm, limits: DistillationLimits) -> KeyProblem | None:
    """
    Return what is wrong with the numbers that a distilled arm states itself; ``None`` if nothing is.

    If the number of prompts depends on the data, ``estimate`` checks it before anything is bought.
    """
    if arm.kind != "distilled":
        return None
    minimum, maximum = limits.prompts
    originals, synthetic = _stated(arm)
    requested = f"arm {arm.name} requests {originals:,} originals and {synthetic:,} synthetic pairs as prompts"
    if room := most_prompts(arm, limits):
        key, most = room
        text = f"{requested}, but a distillation job accepts at most {maximum:,}; expected {key}: {most} or less"
        return KeyProblem((key,), text)
    if "all" not in (arm.originals, arm.synthetic) and originals + synthetic < minimum:
        text = (
            f"{requested}, but a distillation job requires at least {minimum:,}; expected larger numbers, or"
            " originals: all"
        )
        return KeyProblem(("originals",), text)
    return None


def most_prompts(arm: Arm, limits: DistillationLimits) -> tuple[str, int] | None:
    """Return the key whose number is too large, and the largest number for it; ``None`` if no number is too large."""
    maximum, (originals, synthetic) = limits.prompts[1], _stated(arm)
    if arm.kind != "distilled" or originals + synthetic <= maximum:
        return None
    return ("originals", maximum) if originals >= maximum else ("synthetic", maximum - originals)


def _stated(arm: Arm) -> tuple[int, int]:
    """Return the numbers of originals and pairs that an arm states itself; 0 for ``all``."""
    return 0 if arm.originals == "all" else arm.originals, 0 if arm.synthetic == "all" else arm.synthetic


def another_teacher(
    refused: Model, student: Model, region: str, arms: Sequence[str], costs: Mapping[str, float]
) -> str:
    """
    Return what to do if the teacher of distilled arms cannot be used, as the end of an error message.

    Only a few models can teach a student, so the advice names no other models.

    :param arms: the names of the distilled arms whose teacher is ``refused``.
    :param costs: one price for each model, by the model's key. A model without a price is not named.
    """
    named = ("arm " if len(arms) == 1 else "arms ") + " and ".join(arms)
    able = alternatives(refused, lambda other: other.key in costs and _teaches(other, student, region), costs=costs)
    if able:
        return f"name another teacher of {student.key} for {named} in the use-case file: {' or '.join(able)}"
    return f"remove {named} from the use-case file, because {student.key} has no other active teacher in Bedrock"


def _teaches(teacher: Model, student: Model, region: str) -> bool:
    facts = student.customization.distillation if student.customization else None
    return facts is not None and teacher.key in facts.teachers and region in facts.regions


def _supported_pairs(catalog: Catalog) -> str:
    by_regions: dict[tuple[str, ...], list[str]] = {}
    for student in catalog.models.values():
        facts = student.customization.distillation if student.customization else None
        if facts is None or student.lifecycle == "retired":
            continue
        pairs = by_regions.setdefault(facts.regions, [])
        pairs += [
            f"teacher {teacher} with student {student.key}"
            for teacher in facts.teachers
            if catalog.model(teacher).lifecycle != "retired"
        ]
    return "; ".join(f"{', '.join(pairs)} (in {', '.join(regions)})" for regions, pairs in by_regions.items())
