"""Describe an estimate above the spend cap: what a smaller run can save, and which cap is enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from include.distill.config.form_fields import FORM_FIELDS
from include.distill.config.use_case import UseCase
from include.distill.core.errors import EstimateAboveCapError
from include.distill.cost.prices import BillLine, total_usd
from include.distill.cost.records import ServingChoice
from include.distill.cost.serving_choice import duration

_HOURLY = "unit-hour"


def above_cap_error(
    use_case: UseCase,
    lines: Sequence[BillLine],
    *,
    uri: str,
    preflight: str,
    is_cap_of_the_run: bool,
    serving: Mapping[str, ServingChoice] | None = None,
) -> EstimateAboveCapError:
    """
    Return the error for an estimate above ``max_spend_usd``.

    :param uri: URI of the estimate, which lists all items.
    :param preflight: id of the task that reads the use-case file.
    :param is_cap_of_the_run: whether the run's configuration sets the cap. If so, clearing a task keeps the cap.
    :param serving: how each arm's model is served.
    """
    cap, estimated = use_case.max_spend_usd, _cents(total_usd(lines))
    largest = max(lines, key=lambda line: line.usd)
    field, file = FORM_FIELDS["max_spend_usd"], f"{use_case.name}.yaml"
    if is_cap_of_the_run:
        raise_cap = f"Trigger a new run with {field.name} of at least ${estimated:.2f}; the form accepts at most the"
        raise_cap += f" value in {file}"
    else:
        raise_cap = f"The form accepts no cap above {field.key} in {file}. Raise this value to at least"
        raise_cap += f" ${estimated:.2f}, then clear {preflight} with downstream"
    return EstimateAboveCapError(
        f"The cost of the run is estimated at ${estimated:.2f}, which is above {field.name} = ${cap:.2f}. The largest"
        f" item is {largest.what}, {largest.quantity:,.0f} {largest.unit} for ${largest.usd:.2f}.{_fixed(lines)} All"
        f" items are in {uri}.",
        left="The rows and the estimate are stored.",
        billed="Nothing was bought.",
        to_do=f"{raise_cap}. {_smaller_run(use_case, lines)}{_on_demand_instead(serving or {})}",
    )


def _smaller_run(use_case: UseCase, lines: Sequence[BillLine]) -> str:
    """Say whether a run with fewer rows can stay below the cap, and what else makes a run cheaper."""
    endpoints = _endpoints(lines)
    fixed = sum(line.usd for line in endpoints)
    if fixed < use_case.max_spend_usd:
        fewer_samples = (
            f" A lower prompt_optimization.samples in {use_case.name}.yaml also makes the run cheaper."
            if use_case.optimized_arms
            else ""
        )
        return f"Or trigger a new run with fewer documents, evaluation rows or pairs.{fewer_samples}"
    fewer_arms = (
        f" Each trained arm that you remove from {use_case.name}.yaml saves ${endpoints[0].usd:.2f}."
        if len(endpoints) > 1
        else " Only arms of kind base need no endpoint, and they cannot be compared without a trained arm."
    )
    hours = use_case.serving.expected_hours
    fewer_hours = f" The estimate assumes {hours:g} hours per arm (serving.expected_hours)." if hours > 1 else ""
    return (
        f"Fewer documents or pairs cannot help: the endpoints alone cost ${fixed:.2f}, so every cap up to this amount"
        f" is too low.{fewer_arms}{fewer_hours}"
    )


def _on_demand_instead(serving: Mapping[str, ServingChoice]) -> str:
    """Say what it costs to serve arms on demand if the estimate chose provisioned throughput for them."""
    options = [
        option
        for choice in serving.values()
        for option in choice["options"]
        if choice["mode"] == "provisioned" and option["mode"] == "on_demand" and option["possible"]
    ]
    if not options:
        return ""
    usd, minutes = (math.fsum(option[name] or 0.0 for option in options) for name in ("usd", "minutes"))
    return (
        " Or set serving.mode to on_demand: without provisioned throughput, the answers cost about"
        f" ${_cents(usd):.2f}, but take {duration(minutes)}."
    )


def _fixed(lines: Sequence[BillLine]) -> str:
    endpoints = _endpoints(lines)
    if not endpoints:
        return ""
    hours, usd = sum(line.quantity for line in endpoints), sum(line.usd for line in endpoints)
    sizes = f"arms: {len(endpoints)}, model-unit hours: {hours:g}"
    return f" Endpoints cost ${usd:.2f}, however few rows the run has ({sizes})."


def _endpoints(lines: Sequence[BillLine]) -> list[BillLine]:
    return [line for line in lines if line.unit == _HOURLY]


def _cents(usd: float) -> float:
    """Round up to a cent, so that a cap of the stated amount is enough."""
    return math.ceil(round(usd * 100, 4)) / 100
