"""Define the section ``promotion`` of a use case: the rule for a promotion, and who may approve it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from include.distill.config.key_problems import KeyProblem, refuse
from include.distill.config.section import Hours, NonBlankText, Section, Share

# How the champion is kept callable for applications.
ServeSetting = Literal["none", "on_demand", "provisioned"]


class Approver(Section):
    """A user who may approve promotions, identified by the id in Airflow's auth manager."""

    ACCEPTED: ClassVar = "a user id, or a mapping with the keys id and name"

    id: NonBlankText
    name: NonBlankText

    @model_validator(mode="before")
    @classmethod
    def _an_id_is_enough(cls, value: Any) -> Any:
        # Some auth managers have numbers as ids, and YAML reads 17 as a number.
        if isinstance(value, int | str) and not isinstance(value, bool):
            return {"id": str(value).strip(), "name": str(value).strip()}
        if isinstance(value, dict) and isinstance(value.get("id"), int) and not isinstance(value["id"], bool):
            value = {**value, "id": str(value["id"])}
        if not isinstance(value, dict) or "id" not in value:
            return value
        # A wrong id must not be reported a second time as a wrong name.
        name = value["id"] if isinstance(value["id"], str) and value["id"].strip() else "-"
        return {"name": name, **value}


class Promotion(Section):
    """The rule by which a candidate replaces the champion. The verdicts of every judge must satisfy the rule."""

    margin: float = Field(
        0.02, ge=0, lt=0.5, description="the half-win rate's lower bound must be above 0.5 plus this margin"
    )
    min_decisive: int = Field(50, ge=1, description="minimum number of questions that each judge must decide")
    min_clusters: int = Field(40, ge=2, description="minimum number of document groups with a decided question")
    max_unparsable_share: float = Field(
        0.02, gt=0, le=1, description="each judge's share of questions without a readable verdict must be below this"
    )
    max_incomplete_share: Share = Field(
        0.02,
        description="maximum share of an arm's answers that are incomplete, such as truncated; above it, the report"
        " warns, and the promotion rule refuses the arm, both as candidate and as champion",
    )
    runs_a_year: float = Field(
        365,
        gt=0,
        description="runs per year; the report uses it to compute how many false promotions a year the rule allows",
    )
    ask_a_person: bool = Field(False, description="wait for a person's approval in Airflow's UI")
    approvers: tuple[Approver, ...] = Field(
        (), description="users who may approve; if empty, every user who may answer in Airflow may approve"
    )
    answer_within_hours: Hours = Field(
        20, description="if nobody answers within this time, the candidate is not promoted"
    )
    serve: ServeSetting = Field(
        "none",
        description="whether the champion has a standing endpoint that applications call: a custom model deployment, or"
        " provisioned throughput, which is billed by the hour until a person deletes it",
    )
    smoke_prompts: int = Field(
        5, ge=1, le=20, description="number of prompts that the standing endpoint must answer before a promotion"
    )
    delete_losers: bool = Field(False, description="delete the run's own custom models that lost")

    @model_validator(mode="after")
    def _approvers_are_asked(self) -> Promotion:
        if self.approvers and not self.may_ask:
            text = (
                "approvers are listed, but ask_a_person is false, so nobody is asked; expected ask_a_person: true or"
                " serve: provisioned, or no approvers"
            )
            refuse([KeyProblem(("approvers",), text)])
        return self

    @property
    def may_ask(self) -> bool:
        """Whether a promotion may need a person to approve the new champion or a price per hour."""
        return self.ask_a_person or self.serve == "provisioned"
