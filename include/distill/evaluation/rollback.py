"""
Choose the model that a rollback puts back, and check that the choice still applies.

A run of ``distill_rollback`` chooses once and stores its choice. Otherwise, if a person cleared the run after it had
succeeded, the run would choose again, and put back the model that it had just replaced.
"""

from __future__ import annotations

from collections.abc import Iterable

from include.distill.core.errors import InputError, PromotionError
from include.distill.core.naming import canonical_hash
from include.distill.evaluation.champion import Champion
from include.distill.evaluation.champion_history import rollback_choices
from include.distill.evaluation.endpoint_records import RollbackChoice
from include.distill.evaluation.rollback_form import CURRENT, NOTHING_CHANGED, PREVIOUS, ROLLBACK_DAG_ID


def choose_target(champion: Champion | None, use_case: str, to: str) -> Champion:
    """
    Return the champion that the form's field ``to`` names.

    :raises InputError: there is no such champion. The message lists all champions that ``to`` may name.
    """
    if champion is None:
        raise InputError(
            f"{use_case} has no champion yet, so there is nothing to roll back.",
            left=NOTHING_CHANGED,
            to_do=f"Trigger {ROLLBACK_DAG_ID} again after a run of distill_{use_case} has promoted a model.",
        )
    current, *earlier = rollback_choices(champion)
    if to == CURRENT:
        return current
    if to == PREVIOUS and earlier:
        return earlier[0]
    for choice in (current, *earlier):
        if to in (choice.run_key, choice.model_arn):
            return choice
    problem = "has no earlier champion" if to == PREVIOUS else f"has no champion with this run key or model ARN: {to!r}"
    raise InputError(
        f"{use_case} {problem}. Only these can be chosen:\n{_listed(current, earlier)}",
        left=NOTHING_CHANGED,
        to_do=f"Trigger {ROLLBACK_DAG_ID} again with one of the choices that the log of `choose` lists.",
    )


def _listed(current: Champion, earlier: Iterable[Champion]) -> str:
    lines = [f"  {CURRENT}: {describe_choice(current)}"]
    for number, champion in enumerate(earlier):
        lines.append(f"  {PREVIOUS if number == 0 else champion.run_key}: {describe_choice(champion)}")
    return "\n".join(lines)


def describe_choice(champion: Champion) -> str:
    """Describe a champion in one line: its model, run, date, verdict and report."""
    simulated = "SIMULATED, " if champion.simulated else ""
    return (
        f"{champion.model_arn} ({simulated}run {champion.run_key}, promoted {champion.promoted_at}): {champion.verdict}"
        f" Report: {champion.report_uri}"
    )


def is_restored(champion: Champion | None, run_key: str) -> bool:
    """Return whether the rollback with this run key has already changed the champion's record."""
    mark = champion.changed_by if champion else None
    return mark is not None and (mark.kind, mark.run_key) == ("rollback", run_key)


def refuse_outdated(choice: RollbackChoice, champion: Champion | None, run_key: str) -> None:
    """
    Check that the champion is still the one that the rollback replaces, or already the one that the rollback restores.

    :raises PromotionError: another run changed the champion after the choice.
    """
    if is_restored(champion, run_key) or (champion and champion.model_arn == choice["replaces"]):
        return
    now = champion.model_arn if champion else "no model"
    raise PromotionError(
        f"The champion of {choice['use_case']} has changed since this rollback was chosen: it was"
        f" {choice['replaces']}, and now it is {now}.",
        left="This task changed nothing.",
        to_do=f"Trigger {ROLLBACK_DAG_ID} again if you still want to go back.",
    )


def choice_hash(choice: RollbackChoice) -> str:
    """Hash the rollback that a person is asked about. The hash changes if the models or the price change."""
    return canonical_hash(choice)
