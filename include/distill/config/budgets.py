"""Define monthly budgets: the section ``budget`` of a use case, and the content of ``include/budgets.yaml``."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from include.distill.config.section import Section
from include.distill.core.records import BudgetKind


class Budget(Section):
    """The budget of a use case: how much its runs and its standing endpoint may cost together in a month."""

    month_usd: float | None = Field(
        None, gt=0, description="a run that would exceed this amount per month in US dollars does not start"
    )


class OwnerBudget(Section):
    """The budget of an owner: how much all use cases of the owner may cost together in a month."""

    month_usd: float = Field(gt=0)


class OwnerBudgets(Section):
    """The content of ``include/budgets.yaml``: the budgets of owners, by the value of ``owner`` in use cases."""

    owners: dict[str, OwnerBudget] = Field(default_factory=dict)


@dataclass(frozen=True)
class MonthBudget:
    """
    A monthly budget that applies to a run.

    :param name: the name of the use case or of the owner.
    :param month_usd: the amount in US dollars.
    :param key: the key that sets the amount.
    :param file: the file that contains the key.
    """

    kind: BudgetKind
    name: str
    month_usd: float
    key: str
    file: str

    @property
    def whose(self) -> str:
        """Whose budget it is, for messages, such as ``use case faq``."""
        return f"{'use case' if self.kind == 'use_case' else 'owner'} {self.name}"
