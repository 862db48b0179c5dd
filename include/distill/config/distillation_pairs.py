"""Check that Bedrock's Model Distillation supports the teacher and the student of a distilled arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from include.distill.config.alternatives import alternatives
from include.distill.config.catalog import Catalog, Model, load_catalog


def distillation_problem(teachers: Mapping[str, str], student: str, region: str) -> str | None:
    """Return why Bedrock cannot train the distilled arms of a use case in a Region; ``None`` if it can.

    :param teachers: the key of each distilled arm's teacher, by the name of the arm.
    :param student: the key of the student.
    """
    catalog = load_catalog()
    problems = [_pair_problem(arm, catalog.model(key), catalog.model(student), region) for arm, key in teachers.items()]
    return next((problem for problem in problems if problem), None)


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


def _pair_problem(arm: str, teacher: Model, student: Model, region: str) -> str | None:
    catalog = load_catalog()
    if _teaches(teacher, student, region):
        return None
    excluded = " Bedrock accepts no teacher from Anthropic." if teacher.provider == "anthropic" else ""
    return (
        f"arm {arm} is of kind distilled, but Bedrock cannot distil {teacher.key} into {student.key} in {region}."
        f"{excluded} Expected one of these pairs: {_supported_pairs(catalog)}. Change the arm's teacher, student or"
        " aws.region, or remove the arm"
    )


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
