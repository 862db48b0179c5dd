"""
Check that a person approved the promotion of a winner.

Airflow skips ``promote`` if a person rejects the winner. But people can get around this: they can mark ``approve`` as
successful, or clear only ``promote``. So ``promote`` also checks the recorded choice of the person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.distill.config.promotion_rule import Approver
from include.distill.core.naming import canonical_hash
from include.distill.evaluation.endpoint_records import StandingPrice
from include.distill.evaluation.records import DecisionRecord

# The choices of Airflow's ApprovalOperator.
APPROVE, REJECT = "Approve", "Reject"
# The key under which an answer stores the hash of what the person was asked about.
ASKED = "asked"


@dataclass(frozen=True)
class PriceQuestion:
    """
    The price of a standing endpoint that serves the champion and is billed by the hour.

    :ivar is_open: whether a person still has to approve the price.
    """

    price: StandingPrice
    is_open: bool


def decision_hash(decision: DecisionRecord, price: StandingPrice | None = None) -> str:
    """
    Hash the promotion rule's decision. The hash changes if the candidate, the champion or the figures change.

    :param price: the price that the person was asked to approve with the promotion; ``None`` if there was none.
    """
    return canonical_hash(decision if price is None else {"decision": decision, "price": price})


def responder(approval: object) -> str | None:
    """Return the name of the Airflow user who approved or rejected; ``None`` if no user name was recorded."""
    user = approval.get("responded_by_user") if isinstance(approval, Mapping) else None
    name = user.get("name") if isinstance(user, Mapping) else None
    return name.strip() or None if isinstance(name, str) else None


def approval_problem(
    approval: object,
    decision: DecisionRecord,
    approvers: Sequence[Approver],
    *,
    price: PriceQuestion | None = None,
) -> str | None:
    """
    Return why the result of the task ``approve`` is not an approval of ``decision``; ``None`` if it is one.

    See :func:`answer_problem`.

    :param price: the price of the standing endpoint. If a person still has to approve this price, an approval that does
        not include it does not count.
    """
    asked, changed = decision_hash(decision), "an earlier result of this run, and the result has changed since"
    if price and isinstance(approval, Mapping):
        with_price, answered = decision_hash(decision, price.price), approval.get(ASKED)
        if price.is_open or answered == with_price:
            asked = with_price
            approval = {**approval, ASKED: answered or ""}
        if price.is_open:
            usd = f"${price.price['usd_per_hour']:,.2f} per hour"
            changed = f"an earlier result, or the result without the present price of the standing endpoint ({usd})"
    return answer_problem(approval, asked, approvers, task="approve", changed=changed)


def answer_problem(
    approval: object, asked: str, approvers: Sequence[Approver], *, task: str, changed: str
) -> str | None:
    """
    Return why the result of a task that asks a person is not an approval; ``None`` if it is one.

    :param approval: the result of the task; ``None`` if the task has no result.
    :param asked: hash of what the person must have been asked about.
    :param approvers: the users who may approve. If empty, every user to whom Airflow gives the choice may approve.
    :param task: id of the task.
    :param changed: what the person approved, as the end of a sentence. It is used if the hash in the answer is not
        ``asked``.
    """
    if not isinstance(approval, Mapping):
        return f"the task `{task}` has no answer from a person, for example because it was marked as successful by hand"
    answer: Mapping[str, Any] = approval
    if answer.get("chosen_options") != [APPROVE]:
        return f"the recorded choice is {answer.get('chosen_options')!r}"
    name = responder(answer)
    if name is None:
        return "the approval does not name the user who gave it"
    user_id = str(answer["responded_by_user"].get("id"))
    if approvers and user_id not in {approver.id for approver in approvers}:
        return f"{name} (user id {user_id}) is not among the approvers in promotion.approvers"
    # An answer that an older version stored does not say what the person was asked.
    if answer.get(ASKED) not in (None, asked):
        return f"{name} approved {changed}"
    return None
