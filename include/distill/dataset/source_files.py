"""
Read the rows of a source, which is a file or a folder, and note the files and fields that are not read.

The encoding can be given per file, because exports from different programs may be in one folder. In a folder, a file
that is empty or has only a header is not an error, because tools such as Spark write such part files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from include.distill.config.sections import SourceData
from include.distill.core.errors import InputError, RefusedError, about_setting
from include.distill.core.input_files import InputFiles, find_inputs, open_input
from include.distill.core.storage import ObjectStore
from include.distill.dataset.input_formats import TABLE_READERS
from include.distill.dataset.records import RejectedRow, UngroupedRow
from include.distill.dataset.rows import Duplicates, RowOptions, check_header, read_rows
from include.distill.dataset.same_input import same_input_problem
from include.distill.dataset.tables import NoRowsError

DEFAULT_ENCODING = "utf-8"
_NAMES_IN_A_NOTE = 3
_LONGEST_NOTE = 220
# The notes are passed through XCom, which may not exceed 2 KB.
_MOST_NOTES = 3


def row_options(source: SourceData, name: str) -> RowOptions:
    """Return the options for reading the file ``name`` of a use case."""
    return RowOptions(
        encoding=encoding_of(name, source.encoding),
        columns=source.columns,
        group_column=source.group_column,
        max_document_characters=source.max_document_characters,
    )


def encoding_of(name: str, encoding: str | Mapping[str, str]) -> str:
    """
    Return the encoding that the use case sets for a file.

    If the use case has patterns, the first pattern that matches the file's path or name counts. If none matches, the
    encoding is UTF-8.

    :param name: path relative to the source's folder.
    """
    if isinstance(encoding, str):
        return encoding
    return next((stated for pattern, stated in encoding.items() if _matches(name, pattern)), DEFAULT_ENCODING)


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name.rsplit("/", 1)[-1], pattern)


def check_inputs(source: SourceData, store: ObjectStore) -> list[InputError | RefusedError]:
    """Check the header and the first rows of each file of ``source``; return one error per problem."""
    problems: list[InputError | RefusedError] = []
    unused = set() if isinstance(source.encoding, str) else set(source.encoding)
    sources: list[InputFiles] = []
    for uri in filter(None, (source.training_csv, source.evaluation_csv)):
        try:
            with about_setting(_setting(uri, source)):
                files = find_inputs(uri, store, extensions=tuple(TABLE_READERS))
                sources.append(files)
                unused -= {pattern for pattern in unused if any(_matches(file.name, pattern) for file in files)}
                _check_headers(files, source, store)
        except (InputError, RefusedError) as error:
            problems.append(error)
    if len(sources) == 2 and not problems:
        training, evaluation = sources
        if same := same_input_problem(source, training, evaluation, store):
            problems.append(InputError(same, settings=["training_csv", "evaluation_csv"]))
    if unused and not problems:
        message = (
            f"source.encoding has patterns that match no file: {', '.join(map(repr, sorted(unused)))}. A pattern is"
            " compared with each file's path in its folder and with its name. Correct the patterns, or remove them."
        )
        problems.append(InputError(message))
    return problems


def _setting(uri: str, source: SourceData) -> str:
    return "training_csv" if uri == source.training_csv else "evaluation_csv"


def _check_headers(files: InputFiles, source: SourceData, store: ObjectStore) -> None:
    without_rows: list[NoRowsError] = []
    for file in files:
        with open_input(file.uri, store) as body:
            try:
                check_header(body, source=file.uri, options=row_options(source, file.name))
            except NoRowsError as error:
                without_rows.append(error)
    if len(without_rows) == len(files):
        raise without_rows[0]


class SourceReader:
    """Read the rows of a use case's sources, and collect notes about files and fields that are not read."""

    def __init__(self, source: SourceData, store: ObjectStore) -> None:
        self._source = source
        self._store = store
        self._notes: list[str] = []

    def rows(self, uri: str, duplicates: Duplicates, limit: int | None) -> Iterator[UngroupedRow | RejectedRow]:
        """Yield the rows from the first ``limit`` records, counted over all files together.

        :raises InputError: a file cannot be used, or no file has rows. The error names the setting that has ``uri`` as
            its value: ``training_csv`` or ``evaluation_csv``.
        """
        with about_setting(_setting(uri, self._source)):
            yield from self._rows(uri, duplicates, limit)

    def _rows(self, uri: str, duplicates: Duplicates, limit: int | None) -> Iterator[UngroupedRow | RejectedRow]:
        files = find_inputs(uri, self._store, extensions=tuple(TABLE_READERS))
        self._note(uri, "are markers or files of the operating system and were not read", files.skipped)
        without_rows: dict[str, NoRowsError] = {}
        remaining = limit
        for file in files:
            if remaining == 0:
                break
            with open_input(file.uri, self._store) as body:
                options = row_options(self._source, file.name)
                try:
                    for row in read_rows(
                        body,
                        source=file.name,
                        options=options,
                        duplicates=duplicates,
                        limit=remaining,
                        notes=self._notes,
                    ):
                        remaining = remaining and remaining - 1
                        yield row
                except NoRowsError as error:
                    without_rows[file.name] = error
        if len(without_rows) == len(files):
            raise next(iter(without_rows.values()))
        self._note(uri, "are empty or have only a header", list(without_rows))

    def _note(self, uri: str, problem: str, names: Sequence[str]) -> None:
        if names:
            more = f" and {len(names) - _NAMES_IN_A_NOTE} more" if len(names) > _NAMES_IN_A_NOTE else ""
            shown = ", ".join(name[-40:] for name in names[:_NAMES_IN_A_NOTE])
            self._notes.append(f"{len(names)} file(s) in {uri[-80:]} {problem}: {shown}{more}.")

    @property
    def notes(self) -> list[str]:
        """The notes, shortened so that they fit into the result of a task."""
        shown = [note if len(note) <= _LONGEST_NOTE else f"{note[:_LONGEST_NOTE]}…" for note in self._notes]
        more = [f"There are {len(shown) - _MOST_NOTES} more notes about the files."] if len(shown) > _MOST_NOTES else []
        return shown[:_MOST_NOTES] + more
