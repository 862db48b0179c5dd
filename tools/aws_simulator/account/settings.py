"""Store the settings of the simulated account. They can be changed at run time through ``/_admin/settings``."""

from __future__ import annotations

import copy
import datetime
import logging
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tools.aws_simulator.account.state import State
from tools.aws_simulator.catalog.catalog import load_catalog

logger = logging.getLogger(__name__)

# Limits that no test needs to exceed. Timers and dates fail on values far above them.
LONGEST_SECONDS = LONGEST_MS = 1e9  # about 31 years in seconds, 11 days in milliseconds
LARGEST_COUNT = 1_000_000_000


def _as_day(value: object) -> object:
    """Accept only a date or a text such as 2026-11-27. Refuse times and POSIX seconds, which pydantic would accept."""
    is_day = isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)
    is_text = isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value)
    if value is not None and not is_day and not is_text:
        raise ValueError("expected a day such as 2026-11-27")
    return value


# Without strict, pydantic accepts true and "1" as the number 1. The upper limits also keep out NaN.
Seconds = Annotated[float, Field(strict=True, ge=0, le=LONGEST_SECONDS)]
Milliseconds = Annotated[float, Field(strict=True, ge=0, le=LONGEST_MS)]
Count = Annotated[int, Field(strict=True, ge=0, le=LARGEST_COUNT)]
_Rate = Annotated[float, Field(strict=True, gt=0, le=LARGEST_COUNT)]
Rules = TypeVar("Rules", bound=BaseModel)


class ModelQuota(BaseModel):
    """The rate quotas of one model. None means no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rpm: _Rate | None = Field(None, description="requests per minute")
    burst: Annotated[_Rate, Field(ge=1)] | None = Field(
        None, description="maximum number of requests at once (default: rpm)"
    )
    tpm: _Rate | None = Field(None, description="tokens per minute, including reserved tokens")


class Settings(BaseModel):
    """All settings and their defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    job_seconds: Seconds = Field(
        4.0, description="duration of a customization job; longer if the training takes longer to compute"
    )
    batch_seconds: Seconds = Field(
        4.0, description="duration of a batch job, not counting the time to compute the answers"
    )
    evaluation_seconds: Seconds = Field(
        4.0, description="duration of an evaluation job, not counting the time to compute its ratings"
    )
    optimization_seconds: Seconds = Field(
        4.0, description="duration of a prompt optimization job, not counting the time to compute its answers"
    )
    throughput_seconds: Seconds = Field(2.0, description="time that it takes to create or update a throughput")
    deployment_seconds: Seconds = Field(
        2.0, description="time that it takes to create or update a custom model deployment"
    )
    deployments: Count = Field(10, description="custom model deployments that the account may have in a Region")
    deployments_in_progress: Count = Field(2, description="deployments that may be in the status Creating at once")
    optimization_jobs: Count = Field(20, description="prompt optimization jobs that may run at once in a Region")
    model_units: Count = Field(0, description="no-commitment model units that the account may use in a Region")
    as_of: Annotated[datetime.date | None, BeforeValidator(_as_day)] = Field(
        None, description="day of the models, operations and features of Bedrock (default: today, with everything)"
    )
    latency_ms: Milliseconds = Field(0.0, description="milliseconds that are added to every inference call")
    stream_latency_ms: Milliseconds = Field(
        0.0, description="milliseconds between two events of a stream; a change also affects running streams"
    )
    quotas: dict[str, ModelQuota] = Field(
        default_factory=dict, description="rate quotas, by model id or by the model's key in the catalog"
    )


def read_stored(kind: type[Rules], stored: Any) -> Rules:
    """
    Return settings or a rule from the state folder.

    Earlier versions had no upper limits. A stored number above its limit is replaced with the limit.
    """
    try:
        return kind.model_validate(stored)
    except ValidationError as error:
        limited, faults = copy.deepcopy(stored), error.errors()
        if any(fault["type"] != "less_than_equal" for fault in faults):
            raise
    for fault in faults:
        *path, name = fault["loc"]
        place = limited
        for step in path:
            place = place[step]
        logger.warning(
            "The state folder has the value %s for %s, which is too large. The value is now %s",
            place[name],
            name,
            fault["ctx"]["le"],
        )
        place[name] = fault["ctx"]["le"]
    return kind.model_validate(limited)


class SettingsStore:
    """The current settings. Listeners are called after every change, in the thread that makes the change."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._listeners: list[Callable[[], None]] = []
        self.current = read_stored(Settings, state.load("settings", {}))

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


# A quota may be set for some resources before they exist. These are the forms of the ARNs and ids that new_arn makes.
_CREATED = re.compile(
    r"arn:aws:bedrock:[a-z0-9-]+:\d{12}:"
    r"(application-inference-profile|provisioned-model|custom-model-deployment)/\w+|[0-9a-f]{12}"
)
_CATALOG_ARN = re.compile(r"arn:aws:bedrock:[a-z0-9-]+:\d*:(foundation-model|inference-profile)/")


def _check_quotas(quotas: Mapping[str, ModelQuota]) -> None:
    """Refuse a quota that would limit nothing because no request can name its model.

    :raises ValueError: the catalog has no model of this name.
    """
    models = load_catalog().models.values()
    names = {name for model in models for name in (model.key, model.id, *model.profile_ids)}
    names |= {f"custom-model-deployment/{model.key}" for model in models}
    unknown = [name for name in quotas if _CATALOG_ARN.sub("", name) not in names and not _CREATED.fullmatch(name)]
    if unknown:
        raise ValueError(
            f"The catalog of the AWS simulator has no model {', '.join(map(repr, unknown))}, so the quota would limit"
            " nothing. Nothing was changed. Name a model by its key in the catalog or its id, or use the id or ARN of"
            " an inference profile, a provisioned throughput or a custom model deployment. The keys are"
            f" {', '.join(model.key for model in models)}."
        )
