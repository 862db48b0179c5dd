from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tools.foreign_clients.measurement import Result
from tools.foreign_clients.table import BEGIN, END, as_markdown, write_between_markers

DAY = date(2026, 11, 26)


def test_the_table_has_a_row_per_client_and_a_column_per_case() -> None:
    text = as_markdown([Result("a", "1.2", {"hello": "ok", "s3": "Refused: no"})], DAY)
    (row,) = [line for line in text.splitlines() if line.startswith("| a |")]
    assert row == "| a | 1.2 | ok | – | – | – | Refused: no | – |"
    assert text.startswith("Measured on 2026-11-26.")


def test_only_the_text_between_the_markers_is_replaced(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_between_markers(readme, "new\n")
    write_between_markers(readme, "new\n")
    assert readme.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


@pytest.mark.parametrize("content", ["nothing", f"{BEGIN}\nno end", f"{END}\n{BEGIN}"])
def test_a_file_without_markers_is_not_changed(tmp_path: Path, content: str) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(content)
    with pytest.raises(ValueError, match="It was not changed"):
        write_between_markers(readme, "new\n")
    assert readme.read_text() == content
