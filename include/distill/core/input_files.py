"""
Find and open the input files of a use case, in S3 or in permitted local folders.

A source is one file, or a folder (``s3://bucket/prefix/`` or a local folder) whose files are read in order of their
names, except markers such as ``_SUCCESS`` and files of the operating system.

Anyone who may trigger a run can enter a path in the trigger form. Therefore, a local file is read only if it is inside
the project's ``include/`` or a folder listed in ``DISTILL_INPUT_ROOTS`` (a list in the same format as ``PATH``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from include.distill.core.errors import FAILED_TASK, InputError, NotFoundError, ServiceError
from include.distill.core.paths import INCLUDE, PROJECT_ROOT
from include.distill.core.storage import ObjectStore

# Files that Windows and macOS put into folders, in lower case.
_SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
_EXPECTED = "expected a file with the columns doc,question,answer"


@dataclass(frozen=True)
class InputFile:
    """
    An input file.

    :param name: path relative to the source's folder, or only the file name if the source is a single file. Rows store
        this name, and messages show it.
    """

    name: str
    uri: str


def input_roots() -> list[Path]:
    """Return the local folders from which files may be read."""
    configured = os.environ.get("DISTILL_INPUT_ROOTS", "")
    return [INCLUDE, *(Path(root) for root in configured.split(os.pathsep) if root)]


class InputFiles(list[InputFile]):
    """
    The files of a source.

    :param skipped: names of the files in the folder that are not read, such as ``_SUCCESS``.
    """

    def __init__(self, files: Iterable[InputFile] = (), *, skipped: Sequence[str] = ()) -> None:
        super().__init__(files)
        self.skipped = list(skipped)


def find_inputs(uri: str, store: ObjectStore, *, extensions: Sequence[str]) -> InputFiles:
    """List the files of a source in the order in which they are read.

    :param uri: ``s3://bucket/key``, ``s3://bucket/prefix/``, an absolute path, or a path relative to the project.
    :param extensions: file extensions that are permitted in a folder, in lower case, such as ``.csv``.
    :return: the files to read. Their attribute ``skipped`` names the files that are not read: markers such as
        ``_SUCCESS``, and files of the operating system.
    :raises InputError: a local path is outside the permitted folders, or a folder has no input files, has a file with
        another extension, or has an entry that cannot be read.
    """
    if uri.startswith("s3://"):
        if uri.endswith("/"):
            return _in_folder(uri, store.list(uri), extensions)
        return InputFiles([InputFile(uri.split("/")[-1], uri)])
    path = allowed_path(uri)
    if not path.is_dir():
        return InputFiles([InputFile(path.name, uri)])
    entries = list(path.rglob("*"))
    if unreadable := sorted(entry for entry in entries if _is_unreadable(entry)):
        message = (
            f"Input {uri} contains {unreadable[0].relative_to(path)}, which is a symbolic link to a folder, a broken"
            " symbolic link or a special file. No file was read, because rows could be lost if this entry were skipped."
            " Remove this entry or, if it is a link, replace it with the files themselves."
        )
        raise InputError(message)
    files = (entry.relative_to(path).as_posix() for entry in entries if entry.is_file())
    return _in_folder(f"{uri.rstrip('/')}/", [f"{uri.rstrip('/')}/{name}" for name in files], extensions)


def _is_unreadable(path: Path) -> bool:
    """
    Return whether a folder entry is a symbolic link to a folder, a broken symbolic link or a special file.

    For an entry whose name begins with ``.`` or ``_``, such as ``.lock``, the result is always ``False``.
    """
    is_readable = path.is_file() or (path.is_dir() and not path.is_symlink())
    return not is_readable and path.name[0] not in "._"


def _is_skipped(name: str) -> bool:
    """Return whether a file is not an input file, but was left in the folder by a program or the operating system.

    Such a file, or a folder that contains it, has a name that begins with ``.`` or ``_``, for example ``_SUCCESS``,
    ``_temporary/part.csv`` and ``.ipynb_checkpoints/train-checkpoint.csv``. Lock files of Office (``~$train.csv``) and
    files such as ``desktop.ini`` are skipped too. The files in a folder such as ``_year=2026`` are not skipped, because
    such a folder is a partition of a table.
    """
    *folders, file = name.split("/")
    return (
        any(folder[:1] in (".", "_") and "=" not in folder for folder in folders)
        or file[:1] in (".", "_")
        or file.startswith("~$")
        or file.lower() in _SYSTEM_FILES
    )


def _in_folder(folder: str, uris: list[str], extensions: Sequence[str]) -> InputFiles:
    """Return the input files of a folder, without files that programs leave there, such as ``_SUCCESS``."""
    names = sorted(uri.removeprefix(folder) for uri in uris)
    names = [name for name in names if name and not name.endswith("/")]
    skipped = [name for name in names if _is_skipped(name)]
    names = [name for name in names if not _is_skipped(name)]
    expected = " or ".join(extensions)
    if not names:
        message = (
            f"Input {folder} has no input files; expected {expected} files with the columns doc,question,answer."
            " Nothing was read. Put the files into this folder, or use another folder."
        )
        raise InputError(message)
    if others := [name for name in names if not name.lower().endswith(tuple(extensions))]:
        message = (
            f"Input {folder} has files without the extension {expected}. Number of such files: {len(others)};"
            f" first: {others[0]!r}. No file was read, because rows could be lost if these files were skipped. Move or"
            " rename these files, or use a single file as the input."
        )
        raise InputError(message)
    return InputFiles((InputFile(name, f"{folder}{name}") for name in names), skipped=skipped)


@contextmanager
def open_input(uri: str, store: ObjectStore | None, *, expected: str = _EXPECTED) -> Iterator[IO[bytes]]:
    """Open an input file for reading as a stream.

    :param uri: ``s3://bucket/key``, an absolute path, or a path relative to the project.
    :param store: ``None`` if S3 cannot be reached.
    :param expected: a phrase that describes the expected file in error messages.
    :raises InputError: the file does not exist, a local path is outside the permitted folders, or a local file changed
        while it was being read. An object in S3 cannot change during a read, because each read returns one version.
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
            body = open_files.enter_context(allowed_path(uri).open("rb"))
        except OSError as error:
            message = (
                f"Input {uri} cannot be read ({error.strerror}); {expected}. Check the path and the permissions of the"
                " file."
            )
            raise InputError(message) from error
        before = os.fstat(body.fileno())
        yield body
        after = os.fstat(body.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InputError(
            f"Input {uri} changed while it was being read ({before.st_size:,} bytes before, {after.st_size:,} after).",
            left="Its content was not used.",
            to_do="Wait until the file is complete.",
            then_clear=FAILED_TASK,
        )


def _missing(uri: str, store: ObjectStore, expected: str) -> str:
    message = f"Input {uri} does not exist; {expected}. Check the URI."
    with suppress(ServiceError):
        if store.list(f"{uri}/"):
            message += f" {uri}/ is a folder. To read all its files, end the URI with a slash."
    return message


def allowed_path(uri: str) -> Path:
    """
    Return the path of a local input file.

    :raises InputError: the name is not valid, or the path is outside the permitted folders.
    """
    if "\0" in uri:
        message = (
            f"Input {uri!r} contains a NUL character, so it is not a valid file name; {_EXPECTED}. Correct the name."
        )
        raise InputError(message)
    try:
        path = (PROJECT_ROOT / uri).resolve()
        path.exists()
    except (OSError, UnicodeError) as error:
        problem = getattr(error, "strerror", None) or error
        message = f"Input {uri!r} is not a valid file name ({problem}); {_EXPECTED}. Correct the name."
        raise InputError(message) from error
    if not any(path.is_relative_to(root.resolve()) for root in input_roots()):
        allowed = ", ".join(str(root) for root in input_roots())
        message = (
            f"Input {uri} may not be read: local files must be inside one of {allowed}.{_other_scheme(uri)} Nothing was"
            " read. Use a file in such a folder, or upload the file to S3 and name it as s3://bucket/folder/file.csv."
            " Only the administrators of Airflow can allow more local folders (DISTILL_INPUT_ROOTS in"
            " docs/reference/environment.md)."
        )
        raise InputError(message)
    return path


def _other_scheme(uri: str) -> str:
    return " A URI has to begin with s3:// in lower case; everything else is a path." if ":/" in uri else ""
