"""
Warn about judges that are related to the models they judge.

A model tends to prefer texts written by models of its own family. A judge from the teacher's family may favor the
fine-tuned student, which learned from the teacher. A judge from the student's family may favor the base student. Judges
from a single family share their preferences, so none of them would contradict the others.
"""

from __future__ import annotations

from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase


def shared_provider(judge: str, use_case: UseCase) -> str | None:
    """Return which models share the judge's provider: "teacher", "student", "teacher and student" or ``None``."""
    provider = load_catalog().model(judge).provider
    relatives = {"teacher": use_case.teacher, "student": use_case.student}
    related = [role for role, model in relatives.items() if load_catalog().model(model).provider == provider]
    return " and ".join(related) or None


def describe_judge(judge: str, use_case: UseCase) -> str:
    """Return a judge's name, with a note if the judge is from the family of the teacher or the student."""
    related = shared_provider(judge, use_case)
    return f"{judge} (from the {related}'s family)" if related else judge


def family_warnings(use_case: UseCase) -> list[str]:
    """Return warnings if all judges are from a single family, or if every judge is related to a model it judges."""
    families = {load_catalog().model(judge).provider for judge in use_case.judges}
    warnings = []
    if len(families) < 2:
        (family,) = families
        warnings.append(
            f"All judges are from one family ({family}) and share its preferences. Add a judge from another"
            " family under `judges` in the use case."
        )
    if all(shared_provider(judge, use_case) for judge in use_case.judges):
        related = ", ".join(describe_judge(judge, use_case) for judge in use_case.judges)
        warnings.append(f"Every judge is related to a model that it judges: {related}. Add an unrelated judge.")
    return warnings
