"""
Find and open the input files of a use case, in S3 or in local folders that may be read.

A source is one file, or a folder (``s3://bucket/prefix/`` or a local one) whose files are read in the order of their
names. A path can come from the trigger form. So a local file is read only below the project's ``include/``, or below a
folder that is named in ``DISTILL_INPUT_ROOTS`` (separated as in ``PATH``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from include.distill.core.errors import InputError, NotFoundError, ServiceError
from include.distill.core.paths import INCLUDE, PROJECT_ROOT
from include.distill.core.storage import ObjectStore

_EXPECTED = "expected a file with the columns doc,question,answer"


@dataclass(frozen=True)
class InputFile:
    """A file to be read; ``name`` is its path below the source's folder, which its rows and messages have."""

    name: str
    uri: str


def input_roots() -> list[Path]:
    """Return the folders below which local files may be read."""
    configured = os.environ.get("DISTILL_INPUT_ROOTS", "")
    return [INCLUDE, *(Path(root) for root in configured.split(os.pathsep) if root)]


def find_inputs(uri: str, store: ObjectStore, *, endings: Sequence[str]) -> list[InputFile]:
    """Return the files of a source in the order in which they are read.

    :param uri: ``s3://bucket/key``, ``s3://bucket/prefix/``, an absolute path, or a path relative to the project.
    :param endings: how the names of files in a folder may end, in lower case, such as ``.csv``.
    :raises InputError: a local path is outside the folders that may be read, or a folder holds no files or others.
    """
    if uri.startswith("s3://"):
        return _in_folder(uri, store.list(uri), endings) if uri.endswith("/") else [InputFile(uri.split("/")[-1], uri)]
    path = _allowed_path(uri)
    if not path.is_dir():
        return [InputFile(path.name, uri)]
    entries = list(path.rglob("*"))
    if unreadable := sorted(entry for entry in entries if _is_unreadable(entry)):
        message = (
            f"Input {uri} holds {unreadable[0].relative_to(path)}, which is a link to a folder, a broken link or not a"
            " file. No file was read, because none may be left out silently. Remove it, or put the files in its place."
        )
        raise InputError(message)
    files = (entry.relative_to(path).as_posix() for entry in entries if entry.is_file())
    return _in_folder(f"{uri.rstrip('/')}/", [f"{uri.rstrip('/')}/{name}" for name in files], endings)


def _is_unreadable(path: Path) -> bool:
    """Return whether an entry of a folder can neither be read nor entered; markers such as ``.lock`` do not count."""
    is_readable = path.is_file() or (path.is_dir() and not path.is_symlink())
    return not is_readable and path.name[0] not in "._"


def _in_folder(folder: str, uris: list[str], endings: Sequence[str]) -> list[InputFile]:
    """Return the input files of a folder; skip markers, whose names begin with ``.`` or ``_`` (``_SUCCESS``)."""
    names = sorted(uri.removeprefix(folder) for uri in uris)
    names = [name for name in names if name and not name.endswith("/") and name.rsplit("/", 1)[-1][0] not in "._"]
    expected = " or ".join(endings)
    if not names:
        message = (
            f"Input {folder} holds no files; expected files ending in {expected} (doc,question,answer). Nothing was"
            " read. Put them there, or name another folder."
        )
        raise InputError(message)
    if others := [name for name in names if not name.lower().endswith(tuple(endings))]:
        message = (
            f"Input {folder} holds {len(others)} files that do not end in {expected}, first {others[0]!r}. No file was"
            " read, because none may be left out silently. Move or rename them, or name a single file."
        )
        raise InputError(message)
    return [InputFile(name, f"{folder}{name}") for name in names]


@contextmanager
def open_input(uri: str, store: ObjectStore | None, *, expected: str = _EXPECTED) -> Iterator[IO[bytes]]:
    """Open a file to read it as a stream.

    :param uri: ``s3://bucket/key``, an absolute path, or a path relative to the project.
    :param store: ``None`` where S3 cannot be reached.
    :param expected: what messages say the file should be.
    :raises InputError: the file does not exist, a local path is outside the folders that may be read, or a local file
        changed while it was read. An object in S3 cannot: a read sees one version of it.
    """
    with ExitStack() as open_files:
        if store is not None and uri.startswith("s3://"):
            try:
                body = open_files.enter_context(store.reader(uri))
            except NotFoundError as error:
                raise InputError(_missing(uri, store, expected)) from error
            yield body
            return
        try:
            body = open_files.enter_context(_allowed_path(uri).open("rb"))
        except OSError as error:
            raise InputError(f"Input {uri} cannot be read ({error.strerror}); {expected}.") from error
        before = os.fstat(body.fileno())
        yield body
        after = os.fstat(body.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        message = (
            f"Input {uri} changed while it was read ({before.st_size:,} bytes before, {after.st_size:,} after). Its"
            " rows were not used. Wait until it is complete, and clear this task."
        )
        raise InputError(message)


def _missing(uri: str, store: ObjectStore, expected: str) -> str:
    message = f"Input {uri} does not exist; {expected}."
    with suppress(ServiceError):
        if store.list(f"{uri}/"):
            message += f" {uri}/ is a folder: end the URI with a slash to read all its files."
    return message


def _allowed_path(uri: str) -> Path:
    if "\0" in uri:
        raise InputError(f"Input {uri!r} is not a file name: it holds a NUL character; {_EXPECTED}.")
    try:
        path = (PROJECT_ROOT / uri).resolve()
        path.exists()
    except (OSError, UnicodeError) as error:
        message = f"Input {uri!r} is not a file name ({getattr(error, 'strerror', None) or error}); {_EXPECTED}."
        raise InputError(message) from error
    if not any(path.is_relative_to(root.resolve()) for root in input_roots()):
        allowed = ", ".join(str(root) for root in input_roots())
        message = (
            f"Input {uri} may not be read: local files must be below {allowed}. Nothing was read. Use s3://, or name"
            " their folder in DISTILL_INPUT_ROOTS of Airflow's environment."
        )
        raise InputError(message)
    return path
