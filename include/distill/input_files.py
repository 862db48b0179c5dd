"""
The CSV files of a use case: under ``s3://``, or local below a folder that may be read.

A path can come from the trigger form, so a local one is read only below the project's ``include/`` or below a folder
named in ``DISTILL_INPUT_ROOTS`` (separated like ``PATH``).
"""

from __future__ import annotations

import os
from pathlib import Path

from include.distill.errors import InputError, NotFoundError
from include.distill.storage import ObjectStore

PROJECT = Path(__file__).parents[2]


def input_roots() -> list[Path]:
    """Return the folders below which local CSV files may be read."""
    stated = os.environ.get("DISTILL_INPUT_ROOTS", "")
    return [PROJECT / "include", *(Path(root) for root in stated.split(os.pathsep) if root)]


def read_input(uri: str, store: ObjectStore) -> bytes:
    """Return the bytes of a CSV file.

    :param uri: ``s3://bucket/key``, an absolute path, or a path relative to the project.
    :raises InputError: no such file, or a local path outside the folders that may be read.
    """
    if uri.startswith("s3://"):
        try:
            return store.read(uri)
        except NotFoundError as error:
            message = f"Input {uri} does not exist; expected a CSV file (doc,question,answer)."
            raise InputError(message) from error
    if "\0" in uri:
        message = f"Input {uri!r} is no file name."
        raise InputError(message)
    path = (PROJECT / uri).resolve()
    if not any(path.is_relative_to(root.resolve()) for root in input_roots()):
        allowed = ", ".join(str(root) for root in input_roots())
        message = f"Input {uri} may not be read: local files must lie below {allowed}, or use s3://."
        raise InputError(message)
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"Input {uri} cannot be read ({error.strerror}); expected a CSV file (doc,question,answer)."
        raise InputError(message) from error
