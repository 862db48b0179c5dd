"""Define the records of the standing endpoint: its changes, its smoke prompts, and the results of its tasks."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from include.distill.evaluation.records import ChangeKind, StandingKind

# What ``settle`` did with the standing endpoint.
SettleAction = Literal["none", "restored", "deleted", "left_to_other"]


class EndpointChange(TypedDict):
    """
    The last change of the model behind a use case's standing endpoint.

    The record is stored in ``<prefix>/endpoints/<use case>/change.json``. It is also the lock that prevents two changes
    at the same time.
    """

    use_case: str
    number: int  # increases whenever a task takes the lock to begin a change or to settle one
    state: Literal["switching", "settling", "settled"]
    kind: ChangeKind
    dag_id: str
    run_id: str
    run_key: str
    aim_model_arn: str  # the model that the change puts behind the endpoint
    replaces: str | None  # the champion's model before the change
    endpoint_kind: StandingKind
    name: str  # name of the endpoint
    arn: str | None  # ARN of the endpoint when the last change was settled; None if there was none
    began: str  # ISO 8601, UTC


class SmokePrompt(TypedDict):
    """A prompt that tests a standing endpoint, in the form in which the model receives it."""

    row_id: str
    system: str
    user: str
    max_tokens: int
    temperature: float | None


class SmokePrompts(TypedDict):
    """
    The prompts that test a standing endpoint. They contain documents of evaluation rows.

    The record is stored in ``<prefix>/endpoints/<use case>/smoke.json``. It contains whole prompts, so that a rollback
    needs no template.
    """

    prompts: list[SmokePrompt]


class SmokeUsage(TypedDict):
    """
    The calls that one change made to test the standing endpoint.

    The record is stored in ``standing/smoke-<n>.json`` of the run's folder.
    """

    model: str  # key of the base model in models.yaml
    deployed: bool  # whether the tokens are billed; False for provisioned throughput
    calls: int
    input_tokens: int
    output_tokens: int


class StandingPrice(TypedDict):
    """The price of a standing endpoint that is billed by the hour. The record is part of :class:`RollbackChoice`."""

    usd_per_hour: float  # for all model units
    units: int


class RollbackChoice(TypedDict):
    """
    What one run of ``distill_rollback`` does. It is chosen once, so that clearing the run repeats the same choice.

    The record is stored in ``<prefix>/endpoints/<use case>/rollbacks/<run_key>.json``.
    """

    use_case: str
    to: str  # the value in the form
    target: dict[str, Any]  # a ``ChampionRecord`` without the keys that only the present champion has
    replaces: str | None  # the champion's model when the choice was made
    chosen_at: str  # ISO 8601, UTC
    dag_id: str
    run_id: str
    price: StandingPrice | None  # None if no provisioned throughput would be bought


class RollbackManifest(TypedDict):
    """Result of ``choose``. The record is passed through XCom only."""

    use_case: str
    to: str  # the value in the form
    model_arn: str  # the model that is put back
    replaces: str | None  # the champion's model when the choice was made
    choice_uri: str


class SwitchManifest(TypedDict):
    """Result of ``switch`` and ``switched``. The record is passed through XCom only."""

    kind: StandingKind
    name: str
    arn: str | None  # None from ``switch`` if the endpoint cannot be found yet
    model_arn: str
    student: str  # key of the base model in models.yaml
    number: int  # number of the change
    created: bool  # whether this change created the endpoint


class SmokeManifest(TypedDict):
    """Result of ``smoke``. The record is passed through XCom only."""

    arn: str
    model_arn: str
    number: int
    calls: int
    usd: float


class SettleManifest(TypedDict):
    """Result of ``settle``. The record is passed through XCom only."""

    action: SettleAction
    arn: str | None  # None if there is no standing endpoint
    model_arn: str | None  # the model that the endpoint serves
