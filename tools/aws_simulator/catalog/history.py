"""
Tell which operations, members of requests and features Bedrock had on a day. ``history.yaml`` states the dates.

The setting ``as_of`` names the day. Without it, the simulator never asks this module.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tools.aws_simulator.catalog.catalog import Customization, FactSource, Model

HISTORY_PATH = Path(__file__).with_name("history.yaml")
FeatureName = Literal[
    "structured_outputs", "prompt_cache", "latency_optimized", "distillation", "custom_model_deployment", "batch"
]
_DISTILLATION = "DISTILLATION"


class Dated(BaseModel):
    """The first day of an operation or a feature, and the name of the source of this date."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: datetime.date
    source: str


class Member(Dated):
    """
    A member of a request that is younger than its operation.

    :param path: names of members, separated by dots.
    :param value: the value of the member that is younger; None if every value is.
    :param exception: path of a member; requests that contain it are not checked.
    """

    operation: str
    path: str
    value: str | None = None
    exception: str | None = Field(None, alias="except")

    @property
    def name(self) -> str:
        """The path of the member, with the value if only this value is younger."""
        return self.path if self.value is None else f"{self.path} {self.value}"

    def occurs_in(self, arguments: dict[str, Any]) -> bool:
        """Return whether a request contains the member."""
        if self.exception is not None and list(_values(arguments, self.exception.split("."))):
            return False
        found = list(_values(arguments, self.path.split(".")))
        return bool(found) if self.value is None else self.value in found


class History(BaseModel):
    """The first days of all operations, younger members and features."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: dict[str, FactSource]
    operations: dict[str, Dated]
    members: tuple[Member, ...]
    features: dict[FeatureName, Dated]

    @model_validator(mode="after")
    def _sources_exist(self) -> History:
        named = {entry.source for entry in (*self.operations.values(), *self.members, *self.features.values())}
        if unknown := sorted(named - set(self.sources)):
            raise ValueError(f"history.yaml names the sources {unknown}, which it does not list under sources")
        return self

    def has_operation(self, name: str, day: datetime.date) -> bool:
        """Return whether Bedrock had an operation on ``day``."""
        return self.operations[name].since <= day

    def later_member(self, operation: str, arguments: dict[str, Any], day: datetime.date) -> Member | None:
        """Return a member of a request that Bedrock did not have yet on ``day``; None if there is no such member."""
        later = (member for member in self.members if member.operation == operation and member.since > day)
        return next((member for member in later if member.occurs_in(arguments)), None)

    def has(self, feature: FeatureName, day: datetime.date) -> bool:
        """Return whether Bedrock had a feature on ``day``."""
        return self.features[feature].since <= day


def model_on(model: Model, day: datetime.date) -> Model | None:
    """Return a model with what it could do on ``day``; None if it was not released yet."""
    if model.released > day:
        return None
    history = load_history()
    return model.model_copy(
        update={
            "structured_outputs": model.structured_outputs and history.has("structured_outputs", day),
            "prompt_cache": model.prompt_cache if history.has("prompt_cache", day) else None,
            "latency_optimized": model.latency_optimized and history.has("latency_optimized", day),
            "batch": model.batch if history.has("batch", day) else None,
            "customization": _customization_on(model.customization, day),
        }
    )


def _customization_on(customization: Customization | None, day: datetime.date) -> Customization | None:
    if customization is None or (customization.since is not None and customization.since > day):
        return None
    history, changes = load_history(), dict[str, object]()
    if not history.has("distillation", day):
        changes |= {"distillation": None, "types": tuple(kind for kind in customization.types if kind != _DISTILLATION)}
    if not history.has("custom_model_deployment", day):
        serving = tuple(way for way in customization.serving if way != "custom_model_deployment")
        changes |= {"deployment": None, "serving": serving}
    return customization.model_copy(update=changes)


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    """Yield the values at a path. A step through a list leads to all of its items."""
    if isinstance(value, list):
        for item in value:
            yield from _values(item, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _values(value[path[0]], path[1:])


def first_day() -> datetime.date:
    """Return the day on which Bedrock was opened: the first day of its first operation."""
    return min(operation.since for operation in load_history().operations.values())


@functools.cache
def load_history() -> History:
    """Read the dates. The result is cached, because the file does not change while a process runs."""
    return History.model_validate(yaml.safe_load(HISTORY_PATH.read_text(encoding="utf-8")))
