"""List the project's objects, runs and champions in a bucket for a clean-up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

from include.distill.cleanup.plan import ProjectRoot, RunInfo, StoredObject
from include.distill.config.frozen_use_case import load_frozen
from include.distill.config.layout import RunFolder, run_uri_of
from include.distill.config.sections import Serving
from include.distill.core.errors import ContractError, NotFoundError
from include.distill.core.formats import NewerFormatError
from include.distill.core.storage import ObjectStore, read_json
from include.distill.core.yaml_text import MAX_CHARACTERS

_MAX_CHARACTER_BYTES = 4  # in UTF-8
_MAX_HOURS = 1e6  # 114 years; a later time could not be represented


class ListingStore(ObjectStore, Protocol):
    """An object store that can also list the sizes and modification times of objects."""

    def describe(self, prefix_uri: str) -> Sequence[StoredObject]:
        """Return all objects whose URI starts with ``prefix_uri``, sorted by URI."""


def list_project_root(store: ListingStore, uri: str, use_cases: frozenset[str]) -> ProjectRoot | None:
    """
    List the objects below ``uri`` (``s3://<bucket>/<prefix>``); return ``None`` if the bucket does not exist.

    :param use_cases: the use cases whose objects are below ``uri``.
    :raises ContractError: a champion file is not JSON, so the champion is unknown; or a newer version wrote a champion
        file or a frozen use case in a format that this version does not know.
    """
    try:
        objects = store.describe(f"{uri}/")
    except NotFoundError:
        return None
    champions = (stored.uri for stored in objects if stored.uri.startswith(f"{uri}/champions/"))
    return ProjectRoot(
        uri=uri,
        use_cases=use_cases,
        objects=objects,
        runs=dict(_runs_with_use_case(store, uri, objects)),
        champions=frozenset(text for champion in champions for text in _texts(_read_champion(store, champion))),
    )


def _runs_with_use_case(
    store: ObjectStore, root: str, objects: Sequence[StoredObject]
) -> Iterator[tuple[str, RunInfo]]:
    for stored in (stored for stored in objects if stored.uri.startswith(f"{root}/runs/")):
        folder = RunFolder(stored.uri.rsplit("/", 1)[0])
        is_frozen = stored.uri == folder.use_case and folder.uri == run_uri_of(root, stored.uri)
        if is_frozen and stored.size <= MAX_CHARACTERS * _MAX_CHARACTER_BYTES:
            run = _read_use_case(store.read(stored.uri), stored.uri)
            if run:
                yield folder.uri, run


def _read_use_case(body: bytes, uri: str) -> RunInfo | None:
    """
    Read a frozen use case; return ``None`` if ``body`` is not a use case.

    :raises NewerFormatError: a newer version froze it, so the objects that its run needs are unknown.
    """
    try:
        raw = load_frozen(body, uri)[1]
        name = raw["name"]
        hours = float(raw.get("serving", {}).get("expires_after_hours", Serving().expires_after_hours))
    except NewerFormatError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, ContractError):
        return None
    if not isinstance(name, str) or math.isnan(hours):
        return None
    return RunInfo(name, min(max(hours, 0), _MAX_HOURS))


def _read_champion(store: ObjectStore, uri: str) -> object:
    try:
        return read_json(store, uri, object)
    except (ValueError, RecursionError) as error:
        message = (
            f"{uri} is not JSON ({error}), so the champion is unknown. Nothing was deleted. Correct or delete this"
            " object, then clear this task."
        )
        raise ContractError(message) from error


def _texts(value: object) -> Iterator[str]:
    """Yield every string in a JSON value, except keys."""
    # This is a loop, because recursion into a deeply nested value could exceed Python's limit.
    unvisited = [value]
    while unvisited:
        part = unvisited.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict | list):
            unvisited.extend(part.values() if isinstance(part, dict) else part)
