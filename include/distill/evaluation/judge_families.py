"""
Which family each judge is of, and what a reader must know of it.

A model tends to like what its own family writes: a judge of the teacher's family may favour the student that learnt
from the teacher, one of the student's family may favour its base. One family alone has nobody to contradict it.
"""

from __future__ import annotations

from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase


def shared_provider(judge: str, use_case: UseCase) -> str | None:
    """Return whose family ``judge`` is of: ``"teacher"``, ``"student"``, ``"teacher and student"`` or ``None``."""
    provider = load_catalog().model(judge).provider
    relatives = {"teacher": use_case.teacher, "student": use_case.student}
    related = [role for role, model in relatives.items() if load_catalog().model(model).provider == provider]
    return " and ".join(related) or None


def describe_judge(judge: str, use_case: UseCase) -> str:
    """Return a judge's name, marked when it may favour its own family's writing."""
    related = shared_provider(judge, use_case)
    return f"{judge} (of the {related}'s family)" if related else judge


def family_warnings(use_case: UseCase) -> list[str]:
    """Return what is wrong with the choice of judges; empty when at least two families judge and one is unrelated."""
    families = {load_catalog().model(judge).provider for judge in use_case.judges}
    warnings = []
    if len(families) < 2:
        (family,) = families
        warnings.append(
            f"All judges are of one family ({family}): nobody contradicts its tastes. Add another to judges."
        )
    if all(shared_provider(judge, use_case) for judge in use_case.judges):
        related = ", ".join(describe_judge(judge, use_case) for judge in use_case.judges)
        warnings.append(f"Every judge is related to what it judges: {related}. Add one that is not.")
    return warnings
