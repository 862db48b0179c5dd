"""Let Airflow's OpenLineage provider ask a task what it reads and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bedrock_distill.lineage.artifacts import TaskLineage
from bedrock_distill.lineage.run_facts import RunFacts, run_facts
from bedrock_distill.run.access import RunAccess

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.lineage.facets import ReportedLineage


def after_execution(context: Context, result: Any) -> None:
    """
    Keep the result of a task for its lineage, and publish its assets.

    Airflow calls this function after the task's last method, also after a wait. It raises no error, because the work of
    the task is done and may be paid for.
    """
    task = context["task"]
    if not isinstance(task, LineageTask):
        return
    task.lineage_result = result
    try:
        task.publish_assets(context, result)
    except Exception as error:
        task.log.warning("The assets of %s got no data about this run: %r. Nothing else failed.", task.task_id, error)


class LineageTask(RunAccess):
    """
    A mixin for operators and sensors that report their lineage.

    The task class passes :func:`after_execution` to Airflow's class as ``post_execute``. Without Airflow's OpenLineage
    provider, nothing calls the methods of this class.
    """

    lineage_result: Any = None

    def lineage(self, result: Any) -> TaskLineage:
        """
        Return what the task reads and writes.

        :param result: what the task returned; ``None`` if it failed or returned nothing.
        """
        return TaskLineage()

    def publish_assets(self, context: Context, result: Any) -> None:
        """Give the events of the task's assets their data, and withhold the events of what is not new."""

    def get_openlineage_facets_on_start(self) -> ReportedLineage | None:
        """Return the facts about the run. The task has not checked yet that the run's folder belongs to its run."""
        return self._reported(TaskLineage(), None)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> ReportedLineage | None:
        """Return what the task has read and written, and the facts about the run that it found."""
        return self._reported(None, self.lineage_result)

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> ReportedLineage | None:
        """Return what the task reads. What it has written before the error may be incomplete, so it is left out."""
        # A task that failed before it read the use case would read it only now, and perhaps fail again.
        lineage = None if "use_case" in self.__dict__ else TaskLineage()
        return self._reported(lineage, None)

    def _reported(self, lineage: TaskLineage | None, result: Any) -> ReportedLineage | None:
        """
        Return the lineage for the provider; ``None`` if it cannot be found.

        :param lineage: what the task reads and writes; ``None`` to ask the task.
        """
        from bedrock_distill.lineage.facets import operator_lineage

        try:
            found = self.lineage(result) if lineage is None else lineage
            return operator_lineage(found, self._facts(result))
        except Exception as error:
            self.log.warning("The lineage of %s is not reported: %r. Nothing else failed.", self.task_id, error)
            return None

    def _facts(self, result: Any) -> RunFacts:
        place = {name: self.__dict__.get(name) for name in ("arm", "shard", "judge")}
        folder = self.folder if self.run_uri.startswith("s3://") else None  # other tasks have a placeholder
        return run_facts(folder, place, result if isinstance(result, Mapping) else {}, self.asked)
