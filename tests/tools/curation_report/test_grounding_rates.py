from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tools.curation_report.grounding_rates import PARTS, count_outcomes, main, rate_table, read_answers

DOCUMENT = "The archive keeps each record for 30 days. After that, the cleaner deletes it."


def write_set(folder: Path, part: str, answers: list[tuple[str, str, str]]) -> None:
    (folder / "documents_en.jsonl").write_text(json.dumps({"document_id": "one", "text": DOCUMENT}), encoding="utf-8")
    lines = [
        json.dumps(
            {
                "kind": kind,
                "label": label,
                "language": "en",
                "document_id": "one",
                "question": "How long does the archive keep a record?",
                "answer": answer,
            }
        )
        for kind, label, answer in answers
    ]
    (folder / f"{part}_en.jsonl").write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize("part", PARTS)
def test_the_command_prints_the_rates_of_each_part(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = "It is kept for thirty days.", "It is kept for 45 days."
    write_set(tmp_path, part, [("paraphrase", "faithful", good), ("swapped_number", "unfaithful", bad)])
    monkeypatch.setattr(sys, "argv", ["grounding_rates", str(tmp_path), part])
    main()
    printed = capsys.readouterr().out
    assert "| faithful | paraphrase | en | 1 | 1 | 0 | 0 |" in printed
    assert "| unfaithful | swapped number | all | 1 | 0 | 0 | 1 |" in printed


def test_the_parts_are_the_two_halves_and_the_held_out_answers() -> None:
    assert PARTS == ("calibration", "test", "held_out")


def test_a_part_without_answers_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    write_set(tmp_path, "test", [("short", "faithful", "30 days")])
    with pytest.raises(ValueError, match=r"held_out_\*\.jsonl"):
        read_answers(tmp_path, "held_out")


def test_the_sum_over_the_languages_is_counted(tmp_path: Path) -> None:
    write_set(tmp_path, "held_out", [("short", "faithful", "30 days"), ("short", "faithful", "45 days")])
    counts = count_outcomes(read_answers(tmp_path, "held_out"))
    assert counts["faithful", "short", "all"] == counts["faithful", "short", "en"] == {"kept": 1, "dropped": 1}
    assert len(list(rate_table(counts))) == 4


def test_a_folder_that_cannot_be_measured_is_refused_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["rates", str(tmp_path), "held_out"])
    assert main() == 2
    assert "has no file held_out_*.jsonl" in capsys.readouterr().err
    (tmp_path / "held_out_en.jsonl").write_text("no JSON\n")
    assert main() == 2
    assert "held_out_en.jsonl line 1 is not JSON" in capsys.readouterr().err
