"""Define the pydantic models for the results and costs in ``report.json``: rows, pairs, losses and the bill."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, FiniteFloat, NonNegativeFloat, NonNegativeInt, StrictBool, model_validator

from include.distill.report.schema_base import EARLIER, Loss, Section, Share, optional_key, require

CENT = 0.01


class RowChangesSchema(Section):
    """Changes since the use case's last run with a report. Each count is null if there is no such run."""

    since: str | None = Field(description="Run key of the last run with a report; null if there is none.")
    added: NonNegativeInt | None = Field(description="Number of rows with a new question.")
    changed: NonNegativeInt | None = Field(
        description="Number of rows with the same question but a different document or answer."
    )
    gone: NonNegativeInt | None = Field(
        description="Number of rows of the last run whose question is no longer in the files."
    )
    settings: list[str] = Field(description="Names of the settings that changed, sorted.")


class SplitSchema(Section):
    """The documents of the run, their groups, and how well the groups could be split into training and evaluation."""

    documents: NonNegativeInt = Field(description="Number of different documents.")
    groups: NonNegativeInt = Field(description="Number of document groups.")
    evaluation_documents: NonNegativeInt = Field(description="Number of different evaluation documents.")
    evaluation_groups: NonNegativeInt = Field(description="Number of groups of evaluation documents.")
    largest_group_rows: NonNegativeInt = Field(description="Number of accepted rows in the largest group.")
    template_documents: NonNegativeInt = Field(
        description="Number of documents that consist mostly of text that many documents share."
    )
    same_title_documents: NonNegativeInt = Field(
        description="Number of evaluation documents that begin with the same words as another evaluation document."
    )
    generic_question_rows: NonNegativeInt = Field(
        description="Number of evaluation rows whose question is asked about many documents."
    )
    kept_leaks: NonNegativeInt = Field(
        description="Number of training rows that are used although they contain passages of evaluation documents."
    )
    is_near_share: StrictBool = Field(
        description="Whether about the requested share of the rows is held out for evaluation. Only rows that this run"
        " itself assigned to training or evaluation are counted."
    )


class SourceSchema(Section):
    """The rows of the CSV files. ``rows = accepted + rejected``."""

    rows: NonNegativeInt = Field(description="Number of rows that were read.")
    accepted: NonNegativeInt = Field(description="Number of rows that the run uses.")
    rejected: NonNegativeInt = Field(description="Number of rows that the run does not use.")
    train: NonNegativeInt = Field(description="Number of accepted rows for training.")
    evaluation: NonNegativeInt = Field(description="Number of accepted rows for evaluation.")
    reasons: dict[str, NonNegativeInt] = optional_key(
        "Number of rejected rows by reason, the most frequent reason first.", absent=EARLIER, default={}
    )
    notes: list[str] = optional_key(
        "Notes about files that have no rows or were skipped, and about fields that were ignored.",
        absent="if there is nothing to note, and from reports of earlier versions",
        default=[],
    )
    split: SplitSchema | None = optional_key("How the documents are related.", absent=EARLIER)
    mean_document_characters: NonNegativeFloat | None = optional_key(
        "Mean length of the documents of the training rows, in characters.", absent=EARLIER
    )
    changes: RowChangesSchema | None = optional_key("Changes since the last run.", absent=EARLIER)

    @model_validator(mode="after")
    def _reconcile(self) -> Self:
        require(
            self.rows == self.accepted + self.rejected,
            f"rows {self.rows} is not accepted {self.accepted} + rejected {self.rejected}",
        )
        return self


class CriticSchema(Section):
    """The critic's verdicts on pairs that passed the other filters, and the usage that this run paid for."""

    grounded: NonNegativeInt = Field(description="Number of pairs whose answer the document supports.")
    ungrounded: NonNegativeInt = Field(
        description="Number of pairs whose answer the document does not support. These pairs are dropped."
    )
    unparsable: NonNegativeInt = Field(
        description="Number of pairs without a readable verdict. These pairs are dropped."
    )
    not_looked_at: NonNegativeInt = Field(
        description="Number of pairs that were kept without a check, because the critic's budget was used up."
    )
    calls: NonNegativeInt = Field(description="Number of answers that this run paid for.")
    cache_hits: NonNegativeInt = Field(description="Number of stored answers that were reused at no cost.")
    input_tokens: NonNegativeInt = Field(description="Number of input tokens of the paid calls.")
    output_tokens: NonNegativeInt = Field(description="Number of output tokens of the paid calls.")
    simulated: StrictBool = optional_key("Whether the AWS simulator answered.", absent=EARLIER, default=False)

    @model_validator(mode="after")
    def _reconcile(self) -> Self:
        checked, answers = self.grounded + self.ungrounded + self.unparsable, self.calls + self.cache_hits
        require(checked <= answers, f"the critic judged {checked} pairs, but gave only {answers} answers")
        return self


class PairCountsSchema(Section):
    """The pairs that were requested from the teacher, by outcome. ``requested = accepted + rejected + missing``."""

    documents: NonNegativeInt = Field(description="Number of rows that were sent to the teacher.")
    requested: NonNegativeInt = Field(description="Number of pairs that were requested from the teacher.")
    accepted: NonNegativeInt = Field(
        description="Number of pairs that passed all filters and the critic, if there is one."
    )
    rejected: NonNegativeInt = Field(description="Number of pairs that a filter or the critic dropped.")
    missing: NonNegativeInt = Field(description="Number of pairs that were requested but not written.")
    surplus: NonNegativeInt = Field(
        description="Number of pairs that the teacher wrote beyond the requested number. These pairs are not used."
    )
    undecided: NonNegativeInt = optional_key(
        "The part of `accepted` for which the grounding check could not decide whether the document supports the"
        " answer, and which no critic checked.",
        absent=EARLIER,
        default=0,
    )


class SynthesisSchema(PairCountsSchema):
    """
    The pairs that were requested from the teacher, by outcome, and the usage that this run paid for.

    ``requested = accepted + rejected + missing``.
    """

    calls: NonNegativeInt = Field(description="Number of answers that this run paid for.")
    cache_hits: NonNegativeInt = Field(description="Number of stored answers that were reused at no cost.")
    input_tokens: NonNegativeInt = Field(description="Number of input tokens of the paid calls.")
    output_tokens: NonNegativeInt = Field(description="Number of output tokens of the paid calls.")
    dropped: dict[str, NonNegativeInt] = Field(default={}, description="Number of rejected pairs by filter.")
    critic: CriticSchema | None = Field(default=None, description="The critic's counts; null without a critic.")
    batch_calls: NonNegativeInt = optional_key(
        "The part of `calls` that batch jobs answered.", absent=EARLIER, default=0
    )
    batch_input_tokens: NonNegativeInt = optional_key(
        "The part of `input_tokens` that batch jobs used.", absent=EARLIER, default=0
    )
    batch_output_tokens: NonNegativeInt = optional_key(
        "The part of `output_tokens` that batch jobs used.", absent=EARLIER, default=0
    )

    @model_validator(mode="after")
    def _reconcile(self) -> Self:
        require(
            self.requested == self.accepted + self.rejected + self.missing,
            f"requested {self.requested} is not accepted {self.accepted} + rejected {self.rejected}"
            f" + missing {self.missing}",
        )
        bad = self.critic.ungrounded + self.critic.unparsable if self.critic else 0
        dropped = self.dropped.get("critic", 0)
        require(dropped <= bad, f"dropped.critic is {dropped}, but the critic rejected only {bad} pairs")
        return self


class LossPointSchema(Section):
    """One step of a training job's metrics."""

    step: NonNegativeInt = Field(description="Number of the step, as the job reports it.")
    epoch: FiniteFloat | None = Field(description="Epoch of the step; null if the job reports none.")
    loss: Loss = Field(description="Loss of the step; null if the job reports none, or one that is not finite.")


class BillLineSchema(Section):
    """One line of an estimate or of a bill."""

    what: str = Field(description="Step or arm, model, and whether the tokens are input or output.")
    quantity: NonNegativeFloat = Field(description="Quantity, in `unit`.")
    unit: str = Field(description="`token`, or `unit-hour` for one model unit of throughput for one hour.")
    unit_price_usd: NonNegativeFloat = Field(description="US dollars per unit.")
    usd: NonNegativeFloat = Field(description="US dollars, rounded to a hundredth of a cent.")
    unverified: bool = optional_key(
        "Whether the unit price is not verified.", absent="if the price is verified", default=False
    )


class CostLineSchema(BillLineSchema):
    """One line of the run's bill, with its estimate."""

    estimated_usd: NonNegativeFloat = optional_key(
        "US dollars estimated before the run; 0 if the item was not estimated.", absent=EARLIER, default=0.0
    )


class ServingOptionSchema(Section):
    """
    One way to serve an arm's model, with the cost and the time that were estimated for it.

    The cost and the time are null if the model could not be served in this way.
    """

    mode: Literal["on_demand", "provisioned"] = Field(
        description="`on_demand` for a deployment, `provisioned` for provisioned throughput."
    )
    possible: StrictBool = Field(description="Whether the model could be served in this way.")
    why_not: str | None = Field(description="Why the model could not be served in this way; null if it could.")
    usd: NonNegativeFloat | None = Field(description="US dollars for all answers of the arm.")
    minutes: NonNegativeFloat | None = Field(
        description="Minutes until the last answer; also null if the deployment's quota is not known."
    )
    usd_per_hour: NonNegativeFloat | None = Field(description="US dollars per hour; null if tokens are billed.")


class ServingChoiceSchema(Section):
    """The way to serve an arm's model that the task `estimate` chose, and the reason for the choice."""

    mode: Literal["on_demand", "provisioned"] = Field(description="The chosen way.")
    reason: str = Field(description="Why it was chosen.")
    options: list[ServingOptionSchema] = Field(description="Both ways, with their cost and time.")


class ApprovalSchema(Section):
    """A person's decision about this run or its champion."""

    what: Literal["spending", "promotion", "endpoint"] = Field(
        description="Whether the person was asked about what the run buys, about the promotion of the champion before"
        " the run, or about the price per hour of the champion's standing endpoint."
    )
    subject: str = Field(description="What the person was asked about, as the end of a sentence.")
    decision: Literal["approved", "rejected", "unanswered"] = Field(description="The decision.")
    user_name: str | None = Field(description="Name of the Airflow user; null if nobody answered in time.")
    user_id: str | None = Field(description="Id of the Airflow user; null if it is not known.")
    at: str = Field(description="Time of the decision; for a promotion, the time when it was recorded.")


class ChampionEndpointSchema(Section):
    """The endpoint that keeps the champion callable, as it was before the run's own promotion."""

    kind: Literal["on_demand", "provisioned"] = Field(
        description="Whether it is a custom model deployment, billed by the token, or provisioned throughput, billed by"
        " the hour."
    )
    arn: str | None = Field(description="ARN of the endpoint; null if the first promotion will create it.")
    model_arn: str | None = Field(
        description="ARN of the champion's model, which the endpoint serves; null if there is no endpoint yet."
    )
    usd_per_hour: float | None = Field(description="Price per hour of all model units; null for a deployment.")


class CostSchema(Section):
    """The bill and its estimate. ``actual_usd`` is the sum of the lines."""

    estimated_usd: NonNegativeFloat = Field(description="US dollars estimated before the run.")
    actual_usd: NonNegativeFloat = Field(description="Cost of this run in US dollars.")
    lines: list[CostLineSchema] = Field(
        description="Items that were billed, and items that were estimated but not billed."
    )
    lost_calls: NonNegativeInt = optional_key(
        "Number of calls that AWS may bill although no answer is stored; the lines have their highest possible cost.",
        absent=EARLIER,
        default=0,
    )
    serving: dict[str, ServingChoiceSchema] = optional_key(
        "How the estimate chose to serve each arm's model, by arm.",
        absent="if there is no estimate, and from reports of earlier versions",
        default={},
    )

    failed_endpoints: list[BillLineSchema] = optional_key(
        "Highest possible cost of endpoints that failed, if Bedrock bills them. Not part of actual_usd.",
        absent="if no endpoint failed",
        default=[],
    )
    failed_endpoints_usd: NonNegativeFloat = optional_key(
        "Sum of failed_endpoints in US dollars.", absent="if no endpoint failed", default=0.0
    )
    hourly_usd: NonNegativeFloat = optional_key(
        "US dollars per hour that are billed after the report, until the endpoints that still exist are deleted.",
        absent="if no endpoint was left",
        default=0.0,
    )

    @model_validator(mode="after")
    def _reconcile(self) -> Self:
        failed = math.fsum(line.usd for line in self.failed_endpoints)
        require(
            abs(failed - self.failed_endpoints_usd) <= CENT,
            f"failed_endpoints_usd {self.failed_endpoints_usd} is not the sum of its lines, {failed}",
        )
        total = math.fsum(line.usd for line in self.lines)
        require(
            abs(total - self.actual_usd) <= CENT,
            f"actual_usd {self.actual_usd} is not the sum of the bill's lines, {total}",
        )
        return self


class PairSchema(Section):
    """A pair that the teacher wrote."""

    question: str = Field(description="The question.")
    answer: str = Field(description="The answer.")
    topic: str = Field(description="Topic of the pair, as named by the teacher.")
    row_id: str = optional_key("Id of the row that the pair was written from.", absent=EARLIER, default="")
    pair: NonNegativeInt = optional_key(
        "Index of the pair among the pairs of its row, starting at 0.", absent=EARLIER, default=0
    )
    grounding: Share = optional_key(
        "Share of the answer's content words found in the document or the question.", absent=EARLIER, default=0.0
    )
    critic: str = optional_key(
        "Result of the critic: `grounded` or `not_looked_at`.", absent="if the critic was not called", default=""
    )
    undecided: list[str] = optional_key(
        "Why the grounding check could not decide whether the document supports the answer.",
        absent="if the check could decide, or if the critic decided",
        default=[],
    )


class RejectedRowSchema(Section):
    """A CSV row that the run does not use. Its text is in ``source/rejected.jsonl`` in the run's folder."""

    row: NonNegativeInt | None = Field(default=None, description="Number of the record in its file, starting at 1.")
    line: NonNegativeInt | None = Field(default=None, description="Line of the file on which the record starts.")
    source: str = Field(description="Name of the file.")
    column: str | None = Field(
        default=None, description="Column with the fault; null if the row as a whole is at fault."
    )
    reason: str = Field(default="", description="Short name of the reason, such as `empty_field` or `duplicate`.")
    message: str = Field(description="What is wrong with the row, and what to do.")
