"""
Make the simulator fail as AWS and networks do, according to the rules of a fault plan.

A rule names an operation (or ``*``) and a kind of fault. It can skip the first requests (``after``), fire only a
limited number of times (``times``), and apply only to requests whose path or body contains a given text (``match``). At
most one rule fires per request: the first one that can. The plan and its counts are kept in the state, so a restart
neither forgets nor repeats a fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.aws_simulator.account.records import FaultRecord
from tools.aws_simulator.account.settings import Count, Seconds, read_stored
from tools.aws_simulator.account.state import State
from tools.aws_simulator.protocol.errors import (
    AccessDeniedException,
    ApiError,
    ExpiredTokenException,
    InternalServerException,
    ModelErrorException,
    ModelStreamErrorException,
    ModelTimeoutException,
    ServiceQuotaExceededException,
    ServiceUnavailableException,
    ThrottlingException,
)

Kind = Literal[
    "throttle",
    "internal_error",
    "service_unavailable",
    "access_denied",
    "quota_exceeded",
    "expired_credentials",
    "model_timeout",
    "model_error",
    "malformed_answer",
    "truncated_answer",
    "drop_before",
    "drop_after",
    "timeout",
    "stream_throttle",
    "stream_internal_error",
    "stream_service_unavailable",
    "stream_model_timeout",
    "stream_model_error",
    "stream_drop",
    "stream_pause",
    "job_failed",
    "job_stalled",
    "throughput_failed",
    "throughput_stalled",
    "throughput_update_failed",
    "throughput_update_stalled",
    "deployment_failed",
    "deployment_stalled",
    "deployment_update_failed",
    "deployment_update_stalled",
    "deployment_deletion_stalled",
    "batch_failed",
    "batch_stalled",
    "batch_expired",
    "batch_partial",
    "batch_record_errors",
    "evaluation_failed",
    "evaluation_stalled",
    "optimization_failed",
    "optimization_stalled",
    "optimization_partial",
]

STREAMS = frozenset({"InvokeModelWithResponseStream", "ConverseStream"})
INFERENCE = frozenset({"InvokeModel", "Converse"}) | STREAMS
_OPERATIONS_OF_KIND: dict[str, frozenset[str]] = {
    "model_timeout": INFERENCE,
    "model_error": INFERENCE,
    "malformed_answer": INFERENCE,
    "truncated_answer": INFERENCE,
    **dict.fromkeys(
        (
            "stream_throttle",
            "stream_internal_error",
            "stream_service_unavailable",
            "stream_model_error",
            "stream_drop",
            "stream_pause",
        ),
        STREAMS,
    ),
    # The operations for which the service model declares ServiceQuotaExceededException.
    "quota_exceeded": frozenset(
        {
            "CreateModelCustomizationJob",
            "CreateModelInvocationJob",
            "CreateProvisionedModelThroughput",
            "CreateCustomModelDeployment",
            "CreateInferenceProfile",
            "CreateEvaluationJob",
            "CreateAdvancedPromptOptimizationJob",
            "InvokeModel",
            "InvokeModelWithResponseStream",
        }
    ),
    # The events of ConverseStream have no modelTimeoutException.
    "stream_model_timeout": frozenset({"InvokeModelWithResponseStream"}),
    "job_failed": frozenset({"CreateModelCustomizationJob"}),
    "job_stalled": frozenset({"CreateModelCustomizationJob"}),
    "throughput_failed": frozenset({"CreateProvisionedModelThroughput"}),
    "throughput_stalled": frozenset({"CreateProvisionedModelThroughput"}),
    "throughput_update_failed": frozenset({"UpdateProvisionedModelThroughput"}),
    "throughput_update_stalled": frozenset({"UpdateProvisionedModelThroughput"}),
    "deployment_failed": frozenset({"CreateCustomModelDeployment"}),
    "deployment_stalled": frozenset({"CreateCustomModelDeployment"}),
    "deployment_update_failed": frozenset({"UpdateCustomModelDeployment"}),
    "deployment_update_stalled": frozenset({"UpdateCustomModelDeployment"}),
    "deployment_deletion_stalled": frozenset({"DeleteCustomModelDeployment"}),
    **dict.fromkeys(
        ("batch_failed", "batch_stalled", "batch_expired", "batch_partial", "batch_record_errors"),
        frozenset({"CreateModelInvocationJob"}),
    ),
    **dict.fromkeys(("evaluation_failed", "evaluation_stalled"), frozenset({"CreateEvaluationJob"})),
    **dict.fromkeys(
        ("optimization_failed", "optimization_stalled", "optimization_partial"),
        frozenset({"CreateAdvancedPromptOptimizationJob"}),
    ),
}
ERRORS: dict[str, ApiError] = {
    "throttle": ThrottlingException("Too many requests, please wait before trying again."),
    "internal_error": InternalServerException("The server encountered an internal error. Retry your request."),
    "service_unavailable": ServiceUnavailableException("Bedrock is unable to process your request."),
    "access_denied": AccessDeniedException("You don't have access to this resource, or to this operation."),
    "quota_exceeded": ServiceQuotaExceededException("The request exceeds a service quota of your account."),
    "expired_credentials": ExpiredTokenException("The security token included in the request is expired"),
    "model_timeout": ModelTimeoutException("The request took too long to process. Retry your request."),
    "model_error": ModelErrorException("The request failed due to an error while processing the model."),
}
# Errors that end a stream after half of its events. The last two texts are those of the service model.
STREAM_ERRORS: dict[str, ApiError] = {
    "stream_throttle": ERRORS["throttle"],
    "stream_internal_error": ERRORS["internal_error"],
    "stream_service_unavailable": ERRORS["service_unavailable"],
    "stream_model_timeout": ModelTimeoutException(
        "The request took too long to process. Processing time exceeded the model timeout length."
    ),
    "stream_model_error": ModelStreamErrorException(
        "An error occurred while streaming the response. Retry your request."
    ),
}


class Fault(BaseModel):
    """
    One rule of the fault plan.

    :param times: maximum number of times that the rule fires; None means no limit.
    :param after: number of matching requests that the rule skips before it fires.
    :param seconds: delay of the response (``timeout``), duration of the pause in the middle of a stream
        (``stream_pause``), or duration of the stall (``*_stalled``). A stall without a duration lasts until a client
        sends ``DELETE /_admin/stalls``.
    """

    model_config = ConfigDict(extra="forbid")

    operation: str = "*"
    kind: Kind
    times: Annotated[Count, Field(ge=1)] | None = None
    match: str | None = None
    after: Count = 0
    seconds: Seconds | None = None

    def applies(self, operation: str, text: str) -> bool:
        """Return whether the rule covers a request, regardless of ``times`` and ``after``."""
        return (
            self.operation in ("*", operation)
            and operation in _OPERATIONS_OF_KIND.get(self.kind, {operation})
            and (self.match is None or self.match in text)
        )


def check_rules(rules: Sequence[Fault], implemented: frozenset[str]) -> None:
    """Refuse rules that could never fire, or whose ``seconds`` would have no effect.

    :param implemented: the names of the operations of Bedrock that the simulator implements.
    :raises ValueError: a rule could never fire, or has ``seconds`` although its kind of fault uses none.
    """
    for number, rule in enumerate(rules):
        where = f"Rule {number} of the request ({rule.kind})"
        operations = _OPERATIONS_OF_KIND.get(rule.kind, implemented)
        if rule.operation != "*" and rule.operation not in operations:
            raise ValueError(
                f"{where} can never fire, because its kind does not apply to the operation {rule.operation!r}. No rule"
                f" was added. This kind applies to * and to {', '.join(sorted(operations))}."
            )
        has_seconds = rule.kind in ("timeout", "stream_pause") or rule.kind.endswith("_stalled")
        if rule.seconds is not None and not has_seconds:
            raise ValueError(
                f"{where} has seconds, but only timeout, stream_pause and the kinds that end in _stalled use it. No"
                " rule was added. Remove seconds."
            )


def fault_record(fault: Fault | None, prefix: str) -> FaultRecord | None:
    """Return ``fault`` in the form that a job stores.

    :return: None if there is no fault, or if its kind does not begin with ``prefix``.
    """
    if fault is None or not fault.kind.startswith(prefix):
        return None
    return FaultRecord(
        operation=fault.operation,
        kind=fault.kind,
        times=fault.times,
        match=fault.match,
        after=fault.after,
        seconds=fault.seconds,
    )


class FaultPlan:
    """The rules, in the order in which they were added. Not thread-safe: use the plan only from the event loop."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rules = [(read_stored(Fault, rule), counts) for rule, counts in state.load("faults", [])]

    def add(self, faults: list[Fault]) -> None:
        """Append rules."""
        self._replace([*self._rules, *((fault, {"seen": 0, "fired": 0}) for fault in faults)])

    def clear(self) -> None:
        """Remove all rules."""
        self._replace([])

    def as_json(self) -> list[dict[str, Any]]:
        """Return each rule with the number of requests that it matched and the number of times that it fired."""
        return [{**fault.model_dump(), **counts} for fault, counts in self._rules]

    def fire(self, operation: str, text: str) -> Fault | None:
        """Return the rule that fires for this request, or None, and update the counts of the rules.

        :param text: path and body of the request.
        """
        rules = [(fault, dict(counts)) for fault, counts in self._rules]
        fired = None
        for fault, counts in rules:
            if not fault.applies(operation, text) or counts["fired"] == fault.times:
                continue
            counts["seen"] += 1
            if counts["seen"] > fault.after:
                counts["fired"] += 1
                fired = fault
                break
        if rules != self._rules:
            self._replace(rules)
        return fired

    def _replace(self, rules: list[tuple[Fault, dict[str, int]]]) -> None:
        """Replace the rules of the plan. If the new rules cannot be stored, the old rules stay."""
        self._state.store("faults", [(fault.model_dump(), counts) for fault, counts in rules])
        self._rules = rules
