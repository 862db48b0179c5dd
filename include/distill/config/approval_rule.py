"""Define the section ``approval`` of a use case: when a person must approve what a run is about to buy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from include.distill.config.key_problems import KeyProblem, refuse
from include.distill.config.promotion_rule import Approver
from include.distill.config.section import Hours, Section

# When a person is asked. The limit that ``above_usd`` refers to is another key of the section.
AskRule = Literal["never", "always", "above_usd"]


class Approval(Section):
    """
    The rule by which a run waits for a person's approval after the estimate, before it buys anything.

    A person is asked if ``before_spending`` or ``before_hourly`` requires it. If both do, the person is asked once.
    """

    before_spending: AskRule = Field("never", description="ask before a run that buys anything")
    above_usd: float | None = Field(
        None, gt=0, description="with before_spending: above_usd, ask if the estimate is above this amount"
    )
    before_hourly: AskRule = Field(
        "above_usd", description="ask before a run that buys anything that is billed by the hour"
    )
    above_usd_per_hour: float = Field(
        25,
        gt=0,
        description="with before_hourly: above_usd, ask if everything that is billed by the hour at the same time costs"
        " more than this per hour",
    )
    approvers: tuple[Approver, ...] = Field(
        (), description="users who may approve; if empty, every user who may answer in Airflow may approve"
    )
    answer_within_hours: Hours = Field(
        20, description="if nobody answers within this time, nothing is bought, and the run fails"
    )

    @model_validator(mode="after")
    def _rules_are_complete(self) -> Approval:
        if self.before_spending == "above_usd" and self.above_usd is None:
            text = (
                "before_spending has the value above_usd, but the key above_usd is not set; expected an amount in US"
                " dollars"
            )
            refuse([KeyProblem(("above_usd",), text)])
        if self.approvers and not self.may_ask:
            text = (
                "approvers are listed, but before_spending and before_hourly are both set to never, so nobody is asked;"
                " expected another value for one of them, or no approvers"
            )
            refuse([KeyProblem(("approvers",), text)])
        return self

    @property
    def may_ask(self) -> bool:
        """Whether a person can ever be asked: false if ``before_spending`` and ``before_hourly`` are ``never``."""
        return (self.before_spending, self.before_hourly) != ("never", "never")
