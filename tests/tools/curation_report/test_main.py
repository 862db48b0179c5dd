"""The tables are Markdown, and are printed for the files that are given."""

from __future__ import annotations

import csv
import sys
from itertools import islice
from pathlib import Path

import pytest

from tools.curation_report import __main__ as command
from tools.curation_report import planted_defects
from tools.curation_report.__main__ import SAMPLE, main, read_usable_rows, table

ROWS = 60  # enough to plant some good pairs and one pair with each defect


def test_a_table_aligns_numbers_and_escapes_what_would_break_it() -> None:
    assert table(["name", "share"], [("a|b", 0.5), ("c", 3)]) == "\n".join(
        ["| name | share |", "| --- | ---: |", "| a\\|b | 0.50 |", "| c | 3 |"]
    )


def test_rejected_rows_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("doc,question,answer\nA document.,A question?,An answer.\nAnother document.,Another question?,\n")
    assert [row["answer"] for row in read_usable_rows(path)] == ["An answer."]


def test_all_tables_are_printed_for_the_given_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "SEEDS", 1)
    monkeypatch.setattr(planted_defects, "GOOD_PAIRS", 20)
    monkeypatch.setattr(planted_defects, "PAIRS_PER_DEFECT", 1)
    for name in ("train.csv", "evaluation.csv"):
        with (SAMPLE / name).open(encoding="utf-8", newline="") as sample, (tmp_path / name).open("w") as some:
            csv.writer(some).writerows(islice(csv.reader(sample), ROWS))
    monkeypatch.setattr(command, "_real_questions", lambda rows: ["## Different real questions"])
    monkeypatch.setattr(command, "_simulator", lambda *_: ["## The AWS simulator's teacher"])
    monkeypatch.setattr(sys, "argv", ["report", str(tmp_path / "train.csv"), str(tmp_path / "evaluation.csv")])
    assert main() == 0
    printed = capsys.readouterr()
    titles = [line for line in printed.out.splitlines() if line.startswith("## ")]
    assert printed.err.count(" rows are used, 0 are dropped.") == 2
    assert [title.partition(" (")[0].partition(",")[0] for title in titles] == [
        "## Real rows",
        "## The grounding check: outcomes",
        "## Different real questions",
        "## The AWS simulator's teacher",
        "## Planted pairs",
        "## The AWS simulator's critic and the grounding check: answers that each of them keeps",
    ]


GOOD = "doc,question,answer\nA document.,A question?,An answer.\n"


def refused(arguments: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Run the command with files that it cannot measure, and return its message."""
    monkeypatch.setattr(sys, "argv", ["report", *map(str, arguments)])
    assert main() == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(None, "cannot be read (No such file or directory). Nothing was measured.", id="missing"),
        pytest.param(b"", "is empty (0 bytes)", id="empty"),
        pytest.param(b"PK\x03\x04", "is an Excel workbook", id="no CSV"),
        pytest.param(b"a,b\n1,2\n", "no column for the document", id="other columns"),
        pytest.param(b"doc,question,answer\nB\xe9,q,a\n", "This command reads no use case, so correct", id="cp1252"),
        pytest.param(b"doc,question,answer\nB,q,\nC,r,s,t\n", "has no usable row", id="only bad rows"),
    ],
)
@pytest.mark.parametrize("position", [0, 1])
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(
    position: int,
    content: bytes | None,
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(GOOD)
    if content is not None:
        bad.write_bytes(content)
    message = refused([bad, good] if position == 0 else [good, bad], monkeypatch, capsys)
    assert problem in message
    assert "bad.csv" in message


def test_a_folder_and_a_single_document_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = tmp_path / "good.csv"
    good.write_text(GOOD)
    assert "cannot be read (Is a directory)" in refused([tmp_path, good], monkeypatch, capsys)
    assert "All usable rows have the same document" in refused([good, good], monkeypatch, capsys)


def test_dropped_rows_are_counted_and_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"{GOOD}B,q?,\nC,r?,s,t\n")
    listed = refused([path, path], monkeypatch, capsys).split("All usable rows")[0].splitlines()
    assert listed[0] == f"{path}: 1 rows are used, 2 are dropped."
    assert listed[1].startswith("- rows.csv row 2 (line 3): the answer is empty")
    assert listed[2].startswith("- rows.csv row 3 (line 4): the row has too many fields")
    assert listed[2].endswith("(too_many_fields)")


def test_one_file_alone_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["report", "rows.csv"])
    with pytest.raises(SystemExit):
        main()
    assert "pass both files" in capsys.readouterr().err
