"""Let a task check that its run's folder, and the resources that it finds by name, belong to its run."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from bedrock_distill.lifecycle.ownership import Ownership
from bedrock_distill.run.access import RunAccess
from bedrock_distill.run.own_folder import own_run_folder

if TYPE_CHECKING:
    from airflow.sdk import Context


class RunTask(RunAccess):
    """A mixin for the operators and sensors that work in the folder of their own DAG run."""

    def pre_execute(self, context: Context) -> None:
        """
        Check that the folder belongs to this DAG run, before the task starts and before it continues after a wait.

        A run that an earlier version started keeps the folder that the earlier version used.

        :raises RefusedError: the folder belongs to another run or environment.
        """
        self.run_uri = own_run_folder(self.store, self.folder, context).uri

    @cached_property
    def ownership(self) -> Ownership:
        """The object that finds resources by their names and checks that they belong to this run."""
        return Ownership(self.hook, self.use_case, self.folder)
