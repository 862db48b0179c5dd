"""Define the parts that a champion's record has only after the first standing endpoint or rollback."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from include.distill.evaluation.records import ChangeKind, StandingKind


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class EndpointPrice(_Part):
    """The price per hour that a person approved. Validated form of ``ApprovedPrice``."""

    usd_per_hour: float
    by: str
    at: str


class ChampionEndpoint(_Part):
    """
    The endpoint that serves the champion to applications. Validated form of ``StandingEndpoint``.

    :param units: number of model units; ``None`` for a deployment.
    """

    kind: StandingKind
    name: str
    arn: str
    region: str
    created: str
    units: int | None = None
    approved_price: EndpointPrice | None = None


class WithdrawnModel(_Part):
    """A model that a person rolled back from, so that the rule does not promote it again."""

    model_arn: str
    at: str
    by: str | None = None
    run_key: str

    def describe(self) -> str:
        """Say in sentences who rolled the model back and when, and how it can become the champion again."""
        by = f" by {self.by}" if self.by else ""
        return (
            f"{self.model_arn} was rolled back{by} on {self.at[:10]}, so the rule does not promote it again."
            " distill_rollback can put it back."
        )


class RecordChange(_Part):
    """The promotion or rollback that wrote a champion's record. Validated form of ``ChangeMark``."""

    kind: ChangeKind
    dag_id: str
    run_id: str
    run_key: str
    at: str
    by: str | None = None
