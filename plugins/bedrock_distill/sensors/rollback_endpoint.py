"""Wait until the standing endpoint of a use case answers with the model that was chosen for a rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bedrock_distill.lifecycle.rollback_place import NO_CHANGE, RollbackPlace
from bedrock_distill.sensors.standing_endpoint import StandingEndpointSensor
from include.distill.evaluation.endpoint_records import SwitchManifest

if TYPE_CHECKING:
    from airflow.sdk import Context


class RollbackEndpointSensor(RollbackPlace, StandingEndpointSensor):
    """Wait until the standing endpoint answers with the chosen model; see ``StandingEndpointSensor``."""

    # The defaults are placeholders: `open_place` takes both times from the use case, and a rollback has no folder.
    def __init__(
        self,
        *,
        run_uri: str = "none",
        poll_interval_seconds: float = 60,
        timeout_seconds: float = 60,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            run_uri=run_uri,
            poll_interval_seconds=poll_interval_seconds,
            timeout_seconds=timeout_seconds,
            **kwargs,
        )

    def open_place(self, context: Context) -> None:
        """Read the form, and take the interval of the checks and the time-out from the use case."""
        super().open_place(context)
        serving = self.use_case.serving
        self.poll_interval_seconds, self.timeout_seconds = serving.poll_interval_seconds, 60 * serving.timeout_minutes

    def poll(self) -> SwitchManifest | None:
        """Look the endpoint up, if there is one."""
        return super().poll() if self.switching else NO_CHANGE
