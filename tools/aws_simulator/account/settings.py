"""Store the settings of the simulated account. They can be changed at run time through ``/_admin/settings``."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tools.aws_simulator.account.state import State
from tools.aws_simulator.catalog.catalog import load_catalog


class ModelQuota(BaseModel):
    """The rate quotas of one model. None means no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rpm: float | None = Field(None, gt=0, description="requests per minute")
    burst: float | None = Field(None, ge=1, description="maximum number of requests at once (default: rpm)")
    tpm: float | None = Field(None, gt=0, description="tokens per minute, including reserved tokens")


class Settings(BaseModel):
    """All settings and their defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    job_seconds: float = Field(
        4.0, ge=0, description="duration of a customization job; longer if the training takes longer to compute"
    )
    batch_seconds: float = Field(
        4.0, ge=0, description="duration of a batch job, not counting the time to compute the answers"
    )
    throughput_seconds: float = Field(2.0, ge=0, description="time that it takes to create or update a throughput")
    deployment_seconds: float = Field(
        2.0, ge=0, description="time that it takes to create or update a custom model deployment"
    )
    deployments: int = Field(10, ge=0, description="custom model deployments that the account may have in a Region")
    deployments_in_progress: int = Field(2, ge=0, description="deployments that may be in the status Creating at once")
    model_units: int = Field(0, ge=0, description="no-commitment model units that the account may use in a Region")
    as_of: datetime.date | None = Field(None, description="day to use for the life cycles of models (default: today)")
    latency_ms: float = Field(0.0, ge=0, description="milliseconds that are added to every inference call")
    stream_latency_ms: float = Field(
        0.0, ge=0, description="milliseconds between two events of a stream; a change also affects running streams"
    )
    quotas: dict[str, ModelQuota] = Field(
        default_factory=dict, description="rate quotas, by model id or by the model's key in the catalog"
    )


class SettingsStore:
    """The current settings. Listeners are called after every change, in the thread that makes the change."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._listeners: list[Callable[[], None]] = []
        self.current = Settings.model_validate(state.load("settings", {}))

    def change(self, changes: Mapping[str, Any]) -> Settings:
        """Change the settings that ``changes`` contains, and keep the others.

        :raises ValueError: a name is unknown or a value is out of range; nothing is changed.
        """
        changed = Settings.model_validate({**self.current.model_dump(), **changes})
        if "quotas" in changes:
            _check_quotas(changed.quotas)
        self._state.store("settings", changed.model_dump(mode="json"))
        self.current = changed
        for listener in self._listeners:
            listener()
        return self.current

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after every change."""
        self._listeners.append(listener)


# The ARNs and the id of what a quota may be set for before it exists, as new_arn makes them.
_CREATED = re.compile(
    r"arn:aws:bedrock:[a-z0-9-]+:\d{12}:"
    r"(application-inference-profile|provisioned-model|custom-model-deployment)/\w+|[0-9a-f]{12}"
)
_CATALOG_ARN = re.compile(r"arn:aws:bedrock:[a-z0-9-]+:\d*:(foundation-model|inference-profile)/")


def _check_quotas(quotas: Mapping[str, ModelQuota]) -> None:
    """Refuse a quota that would limit nothing, because no request can name its model.

    :raises ValueError: the catalog has no model of this name.
    """
    models = load_catalog().models.values()
    names = {name for model in models for name in (model.key, model.id, *model.profile_ids)}
    names |= {f"custom-model-deployment/{model.key}" for model in models}
    unknown = [name for name in quotas if _CATALOG_ARN.sub("", name) not in names and not _CREATED.fullmatch(name)]
    if unknown:
        raise ValueError(
            f"The catalog of the AWS simulator has no model {', '.join(map(repr, unknown))}, so the quota would limit"
            " nothing. Nothing was changed. Name a model by its key in the catalog, its id, or the id or ARN of what"
            f" requests name. The keys are {', '.join(model.key for model in models)}."
        )
