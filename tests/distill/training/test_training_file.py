from __future__ import annotations

import hashlib
from io import BytesIO
from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.core.errors import LimitError
from include.distill.text.token_count import central_token_count
from include.distill.training.formats import to_customization_format
from include.distill.training.training_file import TrainingFile


def no_rows(_: set[str]) -> dict[str | None, str]:
    return {}


NOVA = load_catalog().families["nova"]


def made(user: str = "u", answer: str = "é") -> dict[str, Any]:
    return dict(to_customization_format(user=user, answer=answer, instruction="i", family=NOVA))


def test_records_are_counted_and_hashed_as_they_are_written() -> None:
    body, digest = BytesIO(), hashlib.sha256()
    file = TrainingFile("training", NOVA, digest)
    file.write((("row", made()) for _ in range(3)), body)
    file.write([("other", made("other"))], body)
    file.require_no_problem(no_rows)
    written = body.getvalue()
    assert file.records == len(written.splitlines()) == 4
    assert (file.size_bytes, file.tokens) == (len(written), 4 * central_token_count("i\nu\né"))
    assert digest.digest() == hashlib.sha256(written).digest()


def test_a_faulty_file_is_refused_with_its_first_twenty_problems() -> None:
    file = TrainingFile("training", NOVA, hashlib.sha256())
    file.write([("bad", made(" ", ""))] * 15, BytesIO())
    with pytest.raises(LimitError) as raised:
        file.require_no_problem(lambda row_ids: dict.fromkeys(row_ids, "rows.csv row 7 (line 9)"))
    lines = str(raised.value).split("\n")
    assert lines[0].startswith("The training file violates the limits of the model family nova (https://")
    assert "The training job was not bought" in lines[-1]
    assert "Then clear ingest with downstream" in lines[-1]
    assert lines[1:3] == [
        "- rows.csv row 7 (line 9), record 1, user: empty; expected text",
        "- rows.csv row 7 (line 9), record 1, assistant: empty; expected text",
    ]
    assert lines[-2] == "- and 10 more"
    assert len(lines) == 1 + 20 + 1 + 1
