"""
Render prompt templates, and compute the version of each template from its content.

Delimiter tags (``<document>``, ``<question>`` …) show a model where each input starts and ends. Delimiter tags inside
an input are escaped (:mod:`include.distill.config.delimiters`), so untrusted text cannot end its own input or start a
new one. Templates run in Jinja's sandbox, and an unknown variable is an error. Input text is never evaluated as a
template.
"""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import StrictUndefined, Template, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from include.distill.config.delimiters import delimiters_of, escape_delimiters
from include.distill.config.records import PromptConstants
from include.distill.core.errors import PromptError
from include.distill.core.naming import content_hash
from include.distill.core.paths import INCLUDE
from include.distill.core.single_flight_cache import single_flight_cache

PROMPTS_FOLDER = INCLUDE / "prompts"
ENVIRONMENT = SandboxedEnvironment(
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=False,
    autoescape=False,
)
# Both give a different text each time, so no purchase would be found again. A purchase is named by the rendered text.
RANDOM_FILTER, RANDOM_GLOBAL = "random", "lipsum"
del ENVIRONMENT.filters[RANDOM_FILTER], ENVIRONMENT.globals[RANDOM_GLOBAL]


@dataclass(frozen=True)
class Prompt:
    """
    One prompt template.

    :param constants: values that are passed to every rendering, such as ``examples``.
    """

    name: str
    template: str
    constants: PromptConstants = field(default_factory=PromptConstants)

    @property
    def version(self) -> str:
        """The first 12 hex digits of the sha256 of the template and the constants. Data cards and reports show it."""
        given = {name: value for name, value in self.constants.items() if value}
        suffix = json.dumps(given, ensure_ascii=False, sort_keys=True) if given else ""
        return content_hash(f"{self.template}{suffix}".encode())[:12]

    def render(self, **values: object) -> str:
        """Render the template with ``values``; delimiter tags in the values are escaped.

        :raises PromptError: the template cannot be rendered; the message names the prompt and the line.
        """
        delimiters = _delimiters(self.template)
        safe = {name: _escaped(value, delimiters) for name, value in {**self.constants, **values}.items()}
        try:
            return _compiled(self.template).render(safe)
        except Exception as error:  # a template can raise anything, such as a ZeroDivisionError
            line = template_line(error)
            place = f"{self.name} line {line}" if line else self.name
            message = f"Prompt {place}: {str(error).rstrip('.')}. Known variables: {', '.join(sorted(safe))}."
            raise PromptError(message) from error


@single_flight_cache
def _delimiters(template: str) -> frozenset[str]:
    return delimiters_of(template)


@single_flight_cache
def _compiled(template: str) -> Template:
    # Without the cache, compiling the template would take longer than all other work on a row.
    return ENVIRONMENT.from_string(template)


def template_line(error: BaseException) -> int | None:
    """Return the line of the template that raised ``error``; ``None`` if the traceback does not show the line."""
    if isinstance(error, TemplateSyntaxError):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == "<template>"), None)


def _escaped(value: object, delimiters: frozenset[str]) -> object:
    if isinstance(value, str):
        return escape_delimiters(value, delimiters)
    if isinstance(value, list):
        return [_escaped(item, delimiters) for item in value]
    if isinstance(value, dict):
        return {key: _escaped(item, delimiters) for key, item in value.items()}
    return value


def load_prompt(name: str, folder: Path = PROMPTS_FOLDER) -> Prompt:
    """Read a template from ``include/prompts``.

    :raises PromptError: there is no such file, the name points outside the folder, or the file is not UTF-8.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        available = ", ".join(sorted(p.name for p in folder.glob("*.j2")))
        message = f"There is no prompt {name!r} in include/prompts; expected one of {available}."
        raise PromptError(message)
    try:
        return Prompt(name, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise PromptError(f"Prompt {name} is not valid UTF-8 ({error}). Save the file as UTF-8.") from error
