"""Say which champion a promotion would create, and what stands in its way."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from include.distill.config.use_case import UseCase
from include.distill.core.errors import PromotionError
from include.distill.evaluation.champion import Champion
from include.distill.evaluation.records import DecisionRecord


@dataclass(frozen=True)
class Evidence:
    """
    The report that leads to a promotion.

    :param dag_id: the DAG of the run that wrote the report.
    :param verdict: the report's verdict, in one sentence.
    """

    dag_id: str
    run_id: str
    run_key: str
    verdict: str
    simulated: bool
    report_uri: str


def new_champion(
    decision: DecisionRecord, evidence: Evidence, *, use_case: UseCase, model_arn: str, approved_by: str | None
) -> Champion:
    """
    Return the champion that a decision would create.

    :param model_arn: the model of the decision's candidate.
    :param approved_by: the person who approved the promotion; ``None`` if nobody was asked.
    """
    return Champion(
        use_case=use_case.name,
        model_arn=model_arn,
        student=use_case.student,
        arm=decision["candidate"],
        run_key=evidence.run_key,
        dag_id=evidence.dag_id,
        run_id=evidence.run_id,
        verdict=f"{evidence.verdict} {'; '.join(decision['reasons'])}",
        promoted_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        simulated=evidence.simulated,
        report_uri=evidence.report_uri,
        approved_by=approved_by,
    )


def missing_model(arm: str, model_arn: str | None) -> PromotionError:
    """Return the error about a winner whose model no longer exists."""
    return PromotionError(
        f"{arm} won, but its model {model_arn} no longer exists in Bedrock.",
        left="Nothing was changed.",
        to_do=(
            "To train and serve the model again at full cost, set promotion.delete_losers to false and clear"
            " preflight with downstream."
        ),
    )


def promotion_obstacle(
    winner: Champion,
    use_case: UseCase,
    *,
    unapproved: str | None,
    compared: Champion | None,
    current: Champion | None,
) -> str | None:
    """
    Return why the winner cannot become the champion, as the end of a sentence; ``None`` if it can.

    :param unapproved: why the recorded answer of ``approve`` is not an approval; ``None`` if it is, or if nobody has to
        be asked.
    :param compared: the champion that the run's models were compared with.
    :param current: the present champion.
    """
    if unapproved:
        return (
            f"no person approved {winner.arm}: {unapproved}. The champion was not changed. Clear the task"
            " `approve` with downstream to ask again."
        )
    if current is not None and (withdrawal := current.withdrawal(winner.model_arn)):
        return withdrawal.describe()
    if compared is None:
        return None
    if compared.model_arn == winner.model_arn:
        return f"the model of {winner.arm} is already the champion."
    if use_case.champion_arm is None:
        return (
            f"{winner.arm} was not compared with the current champion, {compared.model_arn}. Add an arm of kind"
            " champion to the use case."
        )
    return None
