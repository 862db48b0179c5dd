"""
Send the pipeline's metrics through Airflow, which passes them to StatsD, Datadog or OpenTelemetry.

:mod:`include.distill.core.metrics` lists the metrics. If Airflow's metrics are off, nothing is sent. A metric that
cannot be sent never fails a task.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.sdk.observability.stats import Stats

from include.distill.core.metrics import Metric, Sample
from include.distill.report.run_metrics import run_samples

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.run.access import RunAccess

log = logging.getLogger(__name__)

# With StatsD, Airflow drops a metric without a word to the task if its name and its tags together are longer than 250
# characters, or contain other characters than these.
MAX_TAG_LENGTH = 40
_NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9_.-]")

ResultT = TypeVar("ResultT")
Execute = Callable[[Any, "Context"], ResultT]


def use_case_name(task: RunAccess) -> str:
    """Return the name of a task's use case, also if the run has failed before it froze its use case."""
    # The URI of a folder of an earlier version names no use case.
    return task.folder.use_case_name or task.use_case.name


def emit(samples: Iterable[Sample]) -> None:
    """
    Send samples of metrics.

    :param samples: may be a generator. An error that it raises is logged and does not fail the task either.
    """
    try:
        for metric, value, tags in samples:
            if metric.kind == "counter":
                count(metric, value, tags)
            else:
                gauge(metric, value, tags)
    except Exception as error:  # any error: the metrics are less important than the task
        log.warning("Metrics were not sent (%s: %s). Nothing else is affected.", type(error).__name__, error)


def count(metric: Metric, value: float, tags: Mapping[str, str]) -> None:
    """Add a value to a counter."""
    if value:
        Stats.incr(metric.name, int(value), tags=_encoded(metric, tags))


def gauge(metric: Metric, value: float, tags: Mapping[str, str]) -> None:
    """Set a gauge."""
    Stats.gauge(metric.name, round(value, 6), tags=_encoded(metric, tags))


def _encoded(metric: Metric, tags: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a metric's tags in its own order, with characters and lengths that Airflow sends."""
    return {name: _tag_value(tags[name]) for name in metric.tags}


def _tag_value(text: str) -> str:
    value = _NOT_ALLOWED.sub("_", text) or "none"
    if len(value) <= MAX_TAG_LENGTH:
        return value
    # Two long values must not become the same value.
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{value[: MAX_TAG_LENGTH - 9]}-{digest}"


def counted_calls(step: str) -> Callable[[Execute[ResultT]], Execute[ResultT]]:
    """
    Return a decorator for ``execute`` of a task that calls models. It sends the calls of an attempt when it ends.

    It also does so if the attempt fails, because the calls that were answered are paid for.

    :param step: value of the tag ``step``.
    """

    def decorate(execute: Execute[ResultT]) -> Execute[ResultT]:
        @functools.wraps(execute)
        def call(task: RunAccess, context: Context) -> ResultT:
            try:
                return execute(task, context)
            finally:
                emit(_call_samples(task, step))

        return call

    return decorate


def counted_run(execute: Execute[ResultT]) -> Execute[ResultT]:
    """
    Decorate ``execute`` of the last task of a run: send the state and the duration of the run when it ends.

    Dry runs are not counted.
    """

    @functools.wraps(execute)
    def call(task: RunAccess, context: Context) -> ResultT:
        succeeded = False
        try:
            result = execute(task, context)
            succeeded = True
            return result
        finally:
            emit(_run_samples(task, context, succeeded=succeeded))

    return call


# These are generators, so that `emit` handles an error in them.
def _call_samples(task: RunAccess, step: str) -> Iterator[Sample]:
    if task.asked:  # an attempt that ended before its first question has no calls
        yield from task.asked.call_progress.model_calls.samples(task.use_case.name, step)


def _run_samples(task: RunAccess, context: Context, *, succeeded: bool) -> Iterator[Sample]:
    if context["params"].get("dry_run"):  # a dry run would look like a run that ended after a minute
        return
    if started := context["dag_run"].start_date:
        yield from run_samples(use_case_name(task), succeeded=succeeded, started=started)
