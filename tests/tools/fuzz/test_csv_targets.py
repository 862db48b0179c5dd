"""The targets notice a reader that loses a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tools.fuzz import csv_targets
from tools.fuzz.contract import BrokenContractError

ROWS = b"document,question,answer\nOne.,Why?,So.\nTwo.,How?,Thus.\nThree.,Who?,He.\n"


@pytest.mark.parametrize("body", [ROWS, b"", b"document,question,answer\n", b'a,b\n"open'])
def test_a_file_is_read_or_refused(body: bytes) -> None:
    csv_targets.read_csv_rows(body)
    csv_targets.ingest_file(body)


def test_a_lost_row_is_noticed_although_the_rows_are_numbered_one_after_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = csv_targets.read_rows

    def lossy(*arguments: Any, **options: Any) -> Iterator[Any]:
        rows = list(real(*arguments, **options))
        for number, row in enumerate([rows[0], *rows[2:]], start=1):
            row["row"] = number
            yield row

    monkeypatch.setattr(csv_targets, "read_rows", lossy)
    with pytest.raises(BrokenContractError, match=r"the text of lines \[3\] is in no row"):
        csv_targets.read_csv_rows(ROWS)


def test_counts_that_differ_from_the_stored_rows_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = csv_targets.ingest

    def lossy(*arguments: Any, store: Any, folder: Any, **options: Any) -> Any:
        result = real(*arguments, store=store, folder=folder, **options)
        store.write(folder.source("train"), b"")
        return result

    monkeypatch.setattr(csv_targets, "ingest", lossy)
    with pytest.raises(BrokenContractError, match="counts are not those stored"):
        csv_targets.ingest_file(ROWS)
