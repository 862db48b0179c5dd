"""Add, remove and list the tags of jobs, custom models, throughputs, deployments and inference profiles."""

from __future__ import annotations

from typing import Any

from tools.aws_simulator.account.calls import Call, check_number_of_tags, read_tags
from tools.aws_simulator.account.state import State
from tools.aws_simulator.protocol.errors import ResourceNotFoundException


class Tagging:
    """The operations on tags."""

    def __init__(self, state: State) -> None:
        self._state = state

    def tag(self, call: Call) -> dict[str, Any]:
        """Handle TagResource."""
        arn = self._existing(call)
        tags = read_tags(call.arguments["tags"])
        check_number_of_tags(self._state.tags(arn) | tags)
        self._state.tag(arn, tags)
        return {}

    def untag(self, call: Call) -> dict[str, Any]:
        """Handle UntagResource."""
        self._state.untag(self._existing(call), call.arguments["tagKeys"])
        return {}

    def list(self, call: Call) -> dict[str, Any]:
        """Handle ListTagsForResource."""
        tags = self._state.tags(self._existing(call))
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

    def _existing(self, call: Call) -> str:
        arn: str = call.arguments["resourceARN"]
        if not self._state.exists(arn, call.region):
            raise ResourceNotFoundException(f"The resource {arn} does not exist.")
        return arn
