"""Write and read the copy of a use case that ``preflight`` stores in a run's folder."""

from __future__ import annotations

from typing import Any

import yaml

from include.distill.config.use_case import UseCase, parse_use_case
from include.distill.core.errors import UseCaseError
from include.distill.core.formats import Mark, marked, take_mark
from include.distill.core.version import VERSION
from include.distill.core.yaml_text import load_yaml


def dump_use_case(use_case: UseCase) -> bytes:
    """Return the frozen form of a use case, marked with the format and the version of this pipeline."""
    record = marked(use_case.model_dump(mode="json"))
    return yaml.safe_dump(record, allow_unicode=True, sort_keys=False).encode()


def load_frozen(body: bytes, uri: str) -> tuple[Mark, Any]:
    """
    Return the mark and the keys of a frozen use case, without checking the keys.

    :raises NewerFormatError: a newer version froze the use case in a format that this version does not know.
    :raises YamlTextError: ``body`` is not YAML.
    """
    raw = load_yaml(body)
    return take_mark(raw, uri) if isinstance(raw, dict) else Mark(), raw


def restore_use_case(body: bytes, uri: str) -> UseCase:
    """
    Read a frozen use case of this version or of an earlier one. Settings that the earlier version did not have get
    their defaults.

    :raises NewerFormatError: a newer version froze the use case in a format that this version does not know.
    :raises UseCaseError: the use case is not valid in this version. If another version froze it, the message says so.
    """
    mark, raw = load_frozen(body, uri)
    try:
        return parse_use_case(raw, origin=uri)
    except UseCaseError as error:
        if mark.version == VERSION:
            raise
        message = (
            f"{error} The use case was frozen by {mark}; this is version {VERSION}. This task bought nothing. To"
            " continue the run, upgrade or go back to that version, or clear `preflight` with downstream, which freezes"
            " the present use-case file. Stored answers are reused; what changed in between is bought again, and"
            " `estimate` lists it (docs/upgrading.md)."
        )
        raise UseCaseError(message) from error
