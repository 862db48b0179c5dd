"""Check that an S3 object that a person names in a form may be read for a use case."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import dirname

from include.distill.config.layout import Layout
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.core.input_files import allowed_path

_S3 = "s3://"
# Folders below the storage prefix that belong to the pipeline. Use cases with the same prefix share these folders.
PIPELINE_FOLDERS = frozenset(
    {
        *("batches", "champions", "datasets", "endpoints", "latest", "notifications", "reports", "responses", "runs"),
        *("splits", "training"),
    }
)


def allowed_prefixes(use_case: UseCase) -> list[str]:
    """
    Return the S3 prefixes below which a form may name objects.

    They are ``source.allowed_prefixes``, the folders of the input files that the use case itself names, and the use
    case's storage prefix in each of its buckets. Each prefix ends in a slash, unless it is the URI of a single object.

    Not everything below these prefixes may be read. :func:`input_problem` refuses objects in the
    :data:`PIPELINE_FOLDERS` below the storage prefix. It accepts objects in the folder of the use case's own runs, and
    all objects below ``source.allowed_prefixes``.
    """
    storage = use_case.storage
    roots = [f"{_S3}{bucket}/{storage.prefix}/" for bucket in storage.buckets]
    return list(dict.fromkeys([*use_case.source.allowed_prefixes, *_own_sources(use_case), *roots]))


def input_problem(uri: str, use_case: UseCase) -> str | None:
    """
    Return why a form may not name ``uri``, or ``None`` if it may.

    The reason contains only the URI and settings of this use case, and nothing about other use cases.

    :param use_case: the use case as its file defines it, without the values of the form.
    """
    if uri in (use_case.source.training_csv, use_case.source.evaluation_csv):
        return None
    prefixes = allowed_prefixes(use_case)
    if not uri.startswith(_S3):
        return _path_problem(uri, prefixes)
    if _is_below(uri, use_case.source.allowed_prefixes):
        return None
    if _is_below(uri, prefixes) and not _is_of_the_pipeline(uri, use_case):
        return None
    return (
        f"{uri} may not be read for use case {use_case.name}: the trigger form accepts objects"
        f" below {', '.join(prefixes)}, except in the pipeline's own folders. Nothing was read. Copy the file"
        f" below one of these prefixes, or ask the owner of the use case ({use_case.owner}) to add its folder to"
        f" source.allowed_prefixes in {use_case.name}.yaml."
    )


def _path_problem(path: str, prefixes: list[str]) -> str | None:
    try:
        allowed_path(path)
    except InputError as error:
        return f"{error} In S3, a form may name files below {', '.join(prefixes)}."
    return None


def _own_sources(use_case: UseCase) -> Iterator[str]:
    for uri in filter(None, (use_case.source.training_csv, use_case.source.evaluation_csv)):
        if uri.startswith(_S3):
            folder = uri if uri.endswith("/") else f"{dirname(uri)}/"
            is_whole_bucket = "/" not in folder.removeprefix(_S3).rstrip("/")
            yield uri if is_whole_bucket else folder


def _is_below(uri: str, prefixes: list[str] | tuple[str, ...]) -> bool:
    # S3 compares keys literally. ".." and an empty part are legal in a key, but may be an attempt to mislead.
    parts = uri.removeprefix(_S3).removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        return False
    return any(uri == prefix or (prefix.endswith("/") and uri.startswith(prefix)) for prefix in prefixes)


def _is_of_the_pipeline(uri: str, use_case: UseCase) -> bool:
    storage = use_case.storage
    if uri.startswith(Layout(storage).runs(use_case.name)):
        return False
    for bucket in storage.buckets:
        root = f"{_S3}{bucket}/{storage.prefix}/"
        if uri.endswith("/") and root.startswith(uri):  # all files in a folder and its subfolders are read
            return True
        if uri.startswith(root):
            return uri.removeprefix(root).split("/")[0] in PIPELINE_FOLDERS
    return False
