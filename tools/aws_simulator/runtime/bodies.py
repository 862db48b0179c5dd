"""List the formats of InvokeModel's bodies, by the names that the catalog uses. Each has a reader and a writer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.runtime.anthropic import read_anthropic, write_anthropic
from tools.aws_simulator.runtime.chat_completions import read_chat_completions, write_chat_completions
from tools.aws_simulator.runtime.llama import read_llama, write_llama
from tools.aws_simulator.runtime.nova import read_nova, write_nova
from tools.aws_simulator.runtime.requests import InferenceRequest
from tools.aws_simulator.runtime.titan import read_titan, write_titan

READERS: dict[str, Callable[[Any], InferenceRequest]] = {
    "anthropic": read_anthropic,
    "nova": read_nova,
    "llama": read_llama,
    "titan": read_titan,
    "chat_completions": read_chat_completions,
}
# A writer takes the reply, the model's id, and the id of the call.
WRITERS: dict[str, Callable[[Reply, str, str], dict[str, Any]]] = {
    "anthropic": write_anthropic,
    "nova": write_nova,
    "llama": write_llama,
    "titan": write_titan,
    "chat_completions": write_chat_completions,
}
