"""Connect the tasks that change a use case's standing endpoint, in a run and in a rollback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# With the delay of the retry policy, an hour for the change of another run, or for deployments of others.
RETRIES_OF_SWITCH = 20
RETRIES_OF_SETTLE = 5


@dataclass(frozen=True)
class ChangeTasks:
    """
    The tasks of a change of the standing endpoint.

    :ivar start: succeeds whenever the change may begin, so that ``settle`` always runs after it.
    :ivar switch: begins the change.
    :ivar switched: waits until the endpoint answers with the new model.
    :ivar smoke: tries the endpoint.
    :ivar settle: brings the endpoint back to the recorded champion.
    """

    start: Any
    switch: Any
    switched: Any
    smoke: Any
    settle: Any

    def connect(self, record: Any) -> None:
        """
        Connect the tasks with the task that writes the champion's record.

        All tasks before ``record`` are setups. So ``settle`` runs even if one of them fails, and clearing ``record``
        also puts the model behind the endpoint again and tries it.
        """
        self.settle.as_teardown(
            setups=[self.start, self.switch, self.switched, self.smoke], on_failure_fail_dagrun=True
        )
        self.start >> self.switch >> self.switched >> self.smoke >> record >> self.settle
