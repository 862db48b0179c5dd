"""Say what the tasks of the labeling DAG leave behind and cost."""

from __future__ import annotations

from bedrock_distill.run.explained_task import ExplainedTask


class LabelForm(ExplainedTask):
    """A mixin for all tasks of the labeling DAG. Their settings are in the trigger form."""

    dag_id: str

    def after_wrong_input(self, error: Exception) -> str:
        """Return what to do if the form is wrong: trigger a new run. A cleared task gets the same form again."""
        return (
            f"Trigger a new run of {self.dag_id} with a corrected form. Clearing a task keeps the form values of this"
            " run."
        )


class LabelTask(LabelForm):
    """A mixin for the tasks of the labeling DAG that send no request to a model and buy nothing."""

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: the run and the stored labels are unchanged."""
        return "The labeled run, its report and all labels that were stored before are unchanged."

    def billed_now(self, error: Exception) -> str:
        """Return a sentence about billing: nothing is billed."""
        return f"Nothing by this task: {self.task_id} buys nothing."
