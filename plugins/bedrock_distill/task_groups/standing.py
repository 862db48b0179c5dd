"""Connect the tasks that change a use case's standing endpoint, in a run and in a rollback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# The retry policy waits 3 minutes before each retry, so `switch` waits about an hour for another run's change, or for
# other deployments that are being created.
RETRIES_OF_SWITCH = 20
RETRIES_OF_SETTLE = 5


@dataclass(frozen=True)
class ChangeTasks:
    """
    The tasks that make up a change of the standing endpoint.

    :ivar start: does nothing. It succeeds when the change may begin, so that ``settle`` runs whatever happens next.
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
