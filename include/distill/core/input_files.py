"""
The files of a use case: under ``s3://``, or local below a folder that may be read.

A source is one file, or a folder (``s3://bucket/prefix/`` or a local one) whose CSV files are read in the order of
their names. A path can come from the trigger form, so a local one is read only below the project's ``include/`` or
below a folder named in ``DISTILL_INPUT_ROOTS`` (separated like ``PATH``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from include.distill.core.errors import InputError, NotFoundError, ServiceError
from include.distill.core.paths import INCLUDE, PROJECT_ROOT
from include.distill.core.storage import ObjectStore

_EXPECTED = "expected a CSV file (doc,question,answer)"


@dataclass(frozen=True)
class InputFile:
    """A file to be read; ``name`` is what its rows and messages call it: below a folder, its path in it."""

    name: str
    uri: str


def input_roots() -> list[Path]:
    """Return the folders below which local files may be read."""
    stated = os.environ.get("DISTILL_INPUT_ROOTS", "")
    return [INCLUDE, *(Path(root) for root in stated.split(os.pathsep) if root)]


def find_inputs(uri: str, store: ObjectStore) -> list[InputFile]:
    """Return the files of a source in the order in which they are read.

    :param uri: ``s3://bucket/key``, ``s3://bucket/prefix/``, an absolute path, or a path relative to the project.
    :raises InputError: a local path outside the folders that may be read, a folder without CSV files, or with others.
    """
    if uri.startswith("s3://"):
        return _below(uri, store.list(uri)) if uri.endswith("/") else [InputFile(uri.rsplit("/", 1)[-1], uri)]
    path = _allowed(uri)
    if not path.is_dir():
        return [InputFile(path.name, uri)]
    below = list(path.rglob("*"))
    if unread := sorted(entry for entry in below if _is_passed_over(entry)):
        message = (
            f"Input {uri} holds {unread[0].relative_to(path)}, which is a link to a folder or to nothing, or no file."
            " None was read, for rows must not be left out unseen. Remove it or put the files in its place."
        )
        raise InputError(message)
    files = (entry.relative_to(path).as_posix() for entry in below if entry.is_file())
    return _below(f"{uri.rstrip('/')}/", [f"{uri.rstrip('/')}/{name}" for name in files])


def _is_passed_over(path: Path) -> bool:
    """Tell what a walk through a folder finds and cannot read or enter; markers are meant to be passed over."""
    is_known = path.is_file() or (path.is_dir() and not path.is_symlink())
    return not is_known and path.name[0] not in "._"


def _below(folder: str, uris: list[str]) -> list[InputFile]:
    """Return the CSV files of a folder; names that begin with ``.`` or ``_`` are markers, as in ``_SUCCESS``."""
    names = sorted(uri.removeprefix(folder) for uri in uris)
    names = [name for name in names if name and not name.endswith("/") and name.rsplit("/", 1)[-1][0] not in "._"]
    if not names:
        raise InputError(f"Input {folder} holds no files; expected CSV files (doc,question,answer) ending in .csv.")
    if others := [name for name in names if not name.lower().endswith(".csv")]:
        message = (
            f"Input {folder} holds {len(others)} files that do not end in .csv, first {others[0]!r}. None was read, for"
            " rows must not be left out unseen. Move or rename them, or name a single file."
        )
        raise InputError(message)
    return [InputFile(name, f"{folder}{name}") for name in names]


@contextmanager
def open_input(uri: str, store: ObjectStore | None, *, expected: str = _EXPECTED) -> Iterator[IO[bytes]]:
    """Open a file to be read as a stream.

    :param uri: ``s3://bucket/key``, an absolute path, or a path relative to the project.
    :param store: ``None`` where S3 cannot be reached.
    :param expected: what messages say the file should be.
    :raises InputError: no such file, a local path outside the folders that may be read, or a local file that changed
        while it was read; S3 itself never gives half of one object and half of another.
    """
    with ExitStack() as held:
        if store is not None and uri.startswith("s3://"):
            try:
                body = held.enter_context(store.reader(uri))
            except NotFoundError as error:
                raise InputError(_missing(uri, store, expected)) from error
            yield body
            return
        try:
            body = held.enter_context(_allowed(uri).open("rb"))
        except OSError as error:
            raise InputError(f"Input {uri} cannot be read ({error.strerror}); {expected}.") from error
        before = os.fstat(body.fileno())
        yield body
        after = os.fstat(body.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        message = (
            f"Input {uri} changed while it was read ({before.st_size:,} bytes before, {after.st_size:,} after). Its"
            " rows were not used. Wait until it is written whole, and clear this task."
        )
        raise InputError(message)


def _missing(uri: str, store: ObjectStore, expected: str) -> str:
    message = f"Input {uri} does not exist; {expected}."
    with suppress(ServiceError):
        if store.list(f"{uri}/"):
            message += f" {uri}/ is a folder: end the URI with a slash to read all its files."
    return message


def _allowed(uri: str) -> Path:
    if "\0" in uri:
        message = f"Input {uri!r} is no file name."
        raise InputError(message)
    try:
        path = (PROJECT_ROOT / uri).resolve()
        path.exists()
    except (OSError, UnicodeError) as error:
        message = f"Input {uri!r} is no file name ({getattr(error, 'strerror', None) or error}); {_EXPECTED}."
        raise InputError(message) from error
    if not any(path.is_relative_to(root.resolve()) for root in input_roots()):
        allowed = ", ".join(str(root) for root in input_roots())
        message = (
            f"Input {uri} may not be read: local files must lie below {allowed}. Use s3://, or name their folder in"
            " DISTILL_INPUT_ROOTS of Airflow's environment."
        )
        raise InputError(message)
    return path
