"""List the project's objects, runs and champions in a bucket for a clean-up."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, cast

from include.distill.cleanup.expiry import LIVE_STATES
from include.distill.cleanup.plan import ForeignRoot, ProjectRoot, RunInfo, StoredObject
from include.distill.config.frozen_use_case import load_frozen
from include.distill.config.layout import RunFolder, endpoint_change_uri, owner_uri, run_uri_of
from include.distill.config.root_owner import reason_to_keep_root
from include.distill.config.run_record import RunRecord, read_run_record
from include.distill.config.sections import Serving
from include.distill.core.errors import FAILED_TASK, ContractError, NewerFormatError, NotFoundError, StoredRecordError
from include.distill.core.storage import ObjectStore, read_json
from include.distill.core.yaml_text import MAX_CHARACTERS

_MAX_CHARACTER_BYTES = 4  # in UTF-8
_MAX_HOURS = 1e6  # 114 years; with a much larger value, the expiry would be too late for Python's ``datetime``


class ListingStore(ObjectStore, Protocol):
    """An object store that can also list the sizes and modification times of objects."""

    def describe(self, prefix_uri: str) -> Sequence[StoredObject]:
        """Return all objects whose URI starts with ``prefix_uri``, sorted by URI."""


def list_project_root(
    store: ListingStore,
    uri: str,
    use_cases: frozenset[str],
    environment: str,
    state_of: Callable[[RunRecord], str | None] = lambda _: None,
    this_run: tuple[str, str] | None = None,
) -> ProjectRoot | None:
    """
    List the objects below ``uri`` (``s3://<bucket>/<prefix>``); return ``None`` if the bucket does not exist.

    :param use_cases: the use cases whose objects are below ``uri``.
    :param environment: the name of this installation. If it is not certain that this installation owns a root, the
        objects below that root are listed, but not read.
    :param state_of: returns a run's state in Airflow; ``None`` if Airflow has no record of the run.
    :param this_run: the ids of the DAG and of the run of this clean-up.
    :raises ContractError: a file about a champion is not JSON, so the champion is unknown.
    :raises NewerFormatError: a newer version wrote a file about a champion, or a frozen use case, in a format that this
        version does not know.
    """
    try:
        objects = store.describe(f"{uri}/")
    except NotFoundError:
        return None
    foreign, own = _split_by_owner(store, uri, objects, environment)
    champions = (stored.uri for stored in own if stored.uri.startswith(f"{uri}/champions/"))
    changes = [
        _read_champion(store, stored.uri)
        for stored in own
        if any(stored.uri == endpoint_change_uri(uri, use_case) for use_case in use_cases)
    ]
    records = (*(_read_champion(store, champion) for champion in champions), *changes)
    return ProjectRoot(
        uri=uri,
        use_cases=use_cases,
        objects=own,
        runs=dict(_runs_with_use_case(store, uri, own, environment, state_of)),
        champions=frozenset(text for record in records for text in _texts(record)),
        changing=dict(_changing(changes, state_of, this_run)),
        foreign=foreign,
        is_owned=bool(objects) and all(part.uri != uri for part in foreign),
    )


def _changing(
    changes: Iterable[object], state_of: Callable[[RunRecord], str | None], this_run: tuple[str, str] | None
) -> Iterator[tuple[str, str]]:
    """
    Yield each use case whose standing endpoint is being changed by another unfinished run, with the run's id.

    If this clean-up itself has begun to delete the endpoint, and is repeated after an error, it must go on.
    """
    for change in changes:
        if not isinstance(change, dict) or change.get("state") == "settled":
            continue
        holder = cast(RunRecord, change)
        if (holder["dag_id"], holder["run_id"]) != this_run and state_of(holder) in LIVE_STATES:
            yield str(change["use_case"]), holder["run_id"]


def _split_by_owner(
    store: ObjectStore, uri: str, objects: Sequence[StoredObject], environment: str
) -> tuple[list[ForeignRoot], list[StoredObject]]:
    """
    Return the objects of other environments by root, and the environment's own objects.

    The objects below ``uri`` can belong to several roots: ``uri`` itself, and roots below it. If it is not certain that
    the environment owns a root, all objects of the root are treated as those of another environment.
    """
    owner_name = owner_uri("")
    below = (stored.uri.removesuffix(owner_name) for stored in objects if stored.uri.endswith(owner_name))
    # The root itself comes first. Of two roots below it, the outer one comes first.
    roots = dict.fromkeys([uri, *sorted(below)]) if objects else {}
    own, foreign = list(objects), []
    for root in roots:
        if reason := reason_to_keep_root(store, root, environment):
            theirs = [stored for stored in own if stored.uri.startswith(f"{root}/")]
            own = [stored for stored in own if not stored.uri.startswith(f"{root}/")]
            foreign += [ForeignRoot(root, reason, theirs)] if theirs else []
    return foreign, own


def _runs_with_use_case(
    store: ObjectStore,
    root: str,
    objects: Sequence[StoredObject],
    environment: str,
    state_of: Callable[[RunRecord], str | None],
) -> Iterator[tuple[str, RunInfo]]:
    uris = {stored.uri for stored in objects}
    for stored in (stored for stored in objects if stored.uri.startswith(f"{root}/runs/")):
        folder = RunFolder(stored.uri.rsplit("/", 1)[0])
        is_frozen = stored.uri == folder.use_case and folder.uri == run_uri_of(root, stored.uri)
        if is_frozen and stored.size <= MAX_CHARACTERS * _MAX_CHARACTER_BYTES:
            run = _read_use_case(store.read(stored.uri), stored.uri)
            if run and folder.use_case_name in ("", run.use_case):
                has_record = folder.run_record in uris
                state = _state(store, folder, environment, state_of) if has_record else None
                yield folder.uri, dataclasses.replace(run, state=state)


def _state(
    store: ObjectStore, folder: RunFolder, environment: str, state_of: Callable[[RunRecord], str | None]
) -> str | None:
    """Return the state of a folder's run; ``None`` if it is unknown, or if another environment started the run."""
    try:
        record = read_run_record(store, folder)
    except ContractError:
        return None
    return state_of(record) if record and record["environment"] == environment else None


def _read_use_case(body: bytes, uri: str) -> RunInfo | None:
    """
    Read a frozen use case; return ``None`` if ``body`` is not a use case.

    :raises NewerFormatError: a newer version wrote the use case, so it is unknown which objects its run needs.
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
    return RunInfo(name, min(max(hours, 0), _MAX_HOURS), raw.get("environment"))


def _read_champion(store: ObjectStore, uri: str) -> object:
    try:
        return read_json(store, uri, object)
    except StoredRecordError as error:
        raise ContractError(
            f"{uri} {error.fault}, so the champion is unknown.",
            left="Nothing was deleted.",
            to_do="Correct or delete this object.",
            then_clear=FAILED_TASK,
        ) from error


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
