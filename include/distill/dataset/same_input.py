"""Find out before rows are read whether the fields for training and for evaluation name the same files."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from include.distill.config.form_fields import FORM_FIELDS
from include.distill.config.sections import SourceData
from include.distill.core.input_files import InputFile, InputFiles, open_input
from include.distill.core.paths import PROJECT_ROOT
from include.distill.core.storage import ObjectStore

_BLOCK = 1 << 16


def same_input_problem(
    source: SourceData, training: InputFiles, evaluation: InputFiles, store: ObjectStore
) -> str | None:
    """
    Return a message if the training files are the same as the evaluation files; otherwise ``None``.

    They are the same if every training file is also an evaluation file, that is, the same object or local file. They
    are also the same if there are as many training files as evaluation files, and their contents are equal in pairs:
    the first training file by name equals the first evaluation file by name, and so on. Reading stops at the first
    difference.
    """
    evaluated = {_location(file) for file in evaluation}
    if all(_location(file) in evaluated for file in training):
        how = "name the same file" if len(training) == 1 else "name the same files"
    elif len(training) == len(evaluation) and all(
        _are_equal(first, second, store) for first, second in zip(training, evaluation, strict=True)
    ):
        how = "name files with the same content"
    else:
        return None
    train, test = FORM_FIELDS["training_csv"].name, FORM_FIELDS["evaluation_csv"].name
    return (
        f"{train} and {test} {how}: {source.training_csv} and {source.evaluation_csv}. The arms would be compared on"
        f" the rows that they were trained on, so all of these rows would be rejected. Name a different file"
        f" with different rows for the evaluation, or leave {test} empty, so that some of the training documents are"
        " set aside for it."
    )


def _location(file: InputFile) -> str | Path:
    return file.uri if file.uri.startswith("s3://") else (PROJECT_ROOT / file.uri).resolve()


def _are_equal(first: InputFile, second: InputFile, store: ObjectStore) -> bool:
    with ExitStack() as open_files:
        one, other = (open_files.enter_context(open_input(file.uri, store)) for file in (first, second))
        while block := one.read(_BLOCK):
            if block != other.read(len(block)):
                return False
        return not other.read(1)
