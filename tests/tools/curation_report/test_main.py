"""The tables are Markdown, and are printed for the files that are given."""

from __future__ import annotations

import csv
import sys
from itertools import islice
from pathlib import Path

import pytest

from tools.curation_report import __main__ as command
from tools.curation_report.__main__ import SAMPLE, main, read_usable_rows, table

ROWS = 200  # enough to plant all good pairs and defects


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
    for name in ("train.csv", "evaluation.csv"):
        with (SAMPLE / name).open(encoding="utf-8", newline="") as sample, (tmp_path / name).open("w") as some:
            csv.writer(some).writerows(islice(csv.reader(sample), ROWS))
    monkeypatch.setattr(command, "_real_questions", lambda rows: ["## Different real questions"])
    monkeypatch.setattr(command, "_simulator", lambda *_: ["## The AWS simulator's teacher"])
    monkeypatch.setattr(sys, "argv", ["report", str(tmp_path / "train.csv"), str(tmp_path / "evaluation.csv")])
    main()
    titles = [line for line in capsys.readouterr().out.splitlines() if line.startswith("## ")]
    assert [title.partition(" (")[0].partition(",")[0] for title in titles] == [
        "## Real rows",
        "## The grounding check: outcomes",
        "## Different real questions",
        "## The AWS simulator's teacher",
        "## Planted pairs",
        "## The AWS simulator's critic and the grounding check: answers that each of them keeps",
    ]
