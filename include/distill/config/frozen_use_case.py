"""
Write and read the copy of a use case that ``preflight`` stores in a run's folder.

The copy has the facts from the catalog that shape the requests to models. So a newer catalog, for example one
that adds structured output for a model, does not change the requests of a run in progress. The run still finds its
stored answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import ValidationError

from include.distill.config.catalog import Model
from include.distill.config.parsing import parse_use_case
from include.distill.config.use_case import UseCase
from include.distill.config.use_case_faults import describe_faults
from include.distill.core.errors import FAILED_TASK, UseCaseError
from include.distill.core.formats import EARLIEST_FORMAT, Mark, marked, take_mark
from include.distill.core.version import VERSION
from include.distill.core.yaml_text import FAST_LOADER, load_yaml

# Callbacks read these keys from the current file. A run's copy must not contain the arguments of notifiers.
_NOT_FROZEN = {"notify", "ready_by"}
_MODELS = "models"  # a key that only frozen use cases have
# The facts about a model that are part of its requests or of the keys of its answers.
_REQUEST_FACTS = ("api", "inference_id", "temperature", "json_schema", "teacher_json_schema")
# If a version without the section ``approval`` started the run, the run continues without asking anybody.
_NO_QUESTION = {"before_spending": "never", "before_hourly": "never"}
# Versions that wrote format 1 sent no schema to teachers.
_TEACHER_OF_FORMAT_1 = {"teacher_json_schema": False}


def dump_use_case(use_case: UseCase) -> bytes:
    """Return the frozen form of a use case, marked with the format and the version of this pipeline."""
    models = {key: use_case.catalog_model(key).model_dump(include=set(_REQUEST_FACTS)) for key in _models_of(use_case)}
    record = marked({**use_case.model_dump(mode="json", exclude=_NOT_FROZEN), _MODELS: models})
    return yaml.safe_dump(record, allow_unicode=True, sort_keys=False).encode()


def _models_of(use_case: UseCase) -> tuple[str, ...]:
    """Return the keys of all models that the run calls, or that evaluation jobs call for it."""
    return tuple(dict.fromkeys((*use_case.models, *use_case.evaluators)))


def load_frozen(body: bytes, uri: str) -> tuple[Mark, Any]:
    """
    Return the mark (format and version) and the content of a frozen use case, without checking the content.

    :raises NewerFormatError: a newer version froze the use case in a format that this version does not know.
    :raises YamlTextError: ``body`` is not YAML.
    """
    raw = load_yaml(body, FAST_LOADER)
    return take_mark(raw, uri) if isinstance(raw, dict) else Mark(), raw


def restore_use_case(body: bytes, uri: str) -> UseCase:
    """
    Read a frozen use case of this version or of an earlier one.

    A setting that the earlier version did not have gets its default. The section ``approval`` is an exception: if the
    earlier version did not have it, the run asks nobody to approve its spending.

    :raises NewerFormatError: a newer version froze the use case in a format that this version does not know.
    :raises UseCaseError: the use case is not valid in this version. If another version froze it, the message says so.
    """
    mark, raw = load_frozen(body, uri)
    models: object = {}
    if isinstance(raw, dict):
        models = raw.pop(_MODELS, {})
        raw.setdefault("approval", _NO_QUESTION)
    try:
        use_case = parse_use_case(raw, origin=uri)
        return use_case.with_frozen_models(dict(_frozen_models(use_case, models, mark, uri)))
    except UseCaseError as error:
        if mark.version == VERSION:
            raise
        raise UseCaseError(
            f"{error.happened} The use case was frozen by {mark}, but this installation runs version {VERSION}.",
            left="This task bought nothing.",
            to_do=(
                "To freeze the current use-case file instead, clear preflight with downstream; answers to unchanged"
                " requests are reused, changed requests are bought again, and estimate lists them (docs/upgrading.md)."
                " Otherwise, upgrade or go back to the version that froze the use case."
            ),
            then_clear=FAILED_TASK,
        ) from error


def _frozen_models(use_case: UseCase, stored: object, mark: Mark, uri: str) -> Iterator[tuple[str, Model]]:
    """
    Yield each model whose frozen requests differ from those that the current catalog defines.

    Each item is the model's key and the model in its frozen form.
    """
    stated = stored if isinstance(stored, dict) else {}
    if mark.format == EARLIEST_FORMAT:
        stated = {use_case.teacher: _TEACHER_OF_FORMAT_1}
    for key in _models_of(use_case):
        facts = stated.get(key)
        if not isinstance(facts, dict):
            continue
        model = use_case.catalog_model(key)
        known = {name: facts[name] for name in _REQUEST_FACTS if name in facts}
        try:
            frozen = Model.model_validate({**model.model_dump(), **known})
        except ValidationError as error:
            reason = describe_faults(error.errors(), Model)[0].text
            message = f"{uri}: models.{key}: this version does not know the format of the model's requests ({reason})."
            raise UseCaseError(message) from error
        if frozen != model:
            yield key, frozen
