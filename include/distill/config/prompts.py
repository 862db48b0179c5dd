"""
What is said to models: templates in ``include/prompts``, rendered strictly, versioned by their content.

Delimiter tags (``<document>``, ``<question>`` …) are a contract: a prompt shows where each input starts and ends, and
untrusted text cannot close a tag, because tags of ours inside it are escaped (``<document>`` becomes
``&lt;document>``). Templates run in Jinja's sandbox and an unknown variable is an error. Text is never evaluated.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from include.distill.core.errors import PromptError
from include.distill.core.naming import content_hash
from include.distill.core.paths import INCLUDE
from include.distill.core.single_flight_cache import single_flight_cache

PROMPTS_FOLDER = INCLUDE / "prompts"
DELIMITERS = (
    "document", "question", "answer", "number_of_pairs", "asked_before", "reference", "answer_a", "answer_b",
    "answer_to_check", "example_pairs",
)  # fmt: skip
_TAG = re.compile(rf"<(?=/?(?:{'|'.join(DELIMITERS)})>)", re.IGNORECASE)
ENVIRONMENT = SandboxedEnvironment(
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=False,
    autoescape=False,
)


def escape_delimiters(text: str) -> str:
    """Return ``text`` with our own tags made harmless; any other text is unchanged."""
    return _TAG.sub("&lt;", text)


@dataclass(frozen=True)
class Prompt:
    """
    One template. ``version`` is the hash of what stands in it: another text is another prompt.

    :param constants: values that a use case gives to every rendering, such as ``examples``.
    """

    name: str
    template: str
    constants: Mapping[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """First 12 hex digits of the sha256 of template and constants."""
        stated = {name: value for name, value in self.constants.items() if value}
        more = json.dumps(stated, ensure_ascii=False, sort_keys=True) if stated else ""
        return content_hash(f"{self.template}{more}".encode())[:12]

    def render(self, **values: Any) -> str:
        """Return the prompt with ``values`` in place, their delimiter tags escaped.

        :raises PromptError: whatever goes wrong in the template; names it and the line.
        """
        safe = {name: _escaped(value) for name, value in {**self.constants, **values}.items()}
        try:
            return _compiled(self.template).render(safe)
        except Exception as error:  # a template can raise anything: a division by zero, for one
            line = template_line(error)
            message = f"Prompt {self.name}{f' line {line}' if line else ''}: {error}. Known: {', '.join(sorted(safe))}."
            raise PromptError(message) from error


@single_flight_cache
def _compiled(template: str) -> Template:
    # Compiling takes longer than all else that is done for a row.
    return ENVIRONMENT.from_string(template)


def template_line(error: BaseException) -> int | None:
    """Return the line of the template in which ``error`` was raised, as far as Jinja knows it."""
    if isinstance(error, TemplateSyntaxError):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == "<template>"), None)


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return escape_delimiters(value)
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    return value


def load_prompt(name: str, folder: Path = PROMPTS_FOLDER) -> Prompt:
    """Read a template of ``include/prompts``.

    :raises PromptError: no such file, or a name that leads out of the folder.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        available = ", ".join(sorted(p.name for p in folder.glob("*.j2")))
        message = f"No prompt {name!r} in include/prompts; found: {available}."
        raise PromptError(message)
    try:
        return Prompt(name, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise PromptError(f"Prompt {name} is not UTF-8 ({error}). Save it as UTF-8.") from error
