from __future__ import annotations

import json

from include.distill.curation.rejection import Rejection
from include.distill.inference.records import WrittenPair

PAIR: WrittenPair = {"question": "q?", "answer": "a", "topic": "t"}


def test_the_record_of_a_rejected_pair_has_the_text_of_the_pair_and_keys_in_a_fixed_order() -> None:
    record = Rejection("length", "answer_too_long", "Too long.").as_record("r1", PAIR)
    assert json.dumps(record) == (
        '{"row_id": "r1", "filter": "length", "reason": "answer_too_long", "message": "Too long.",'
        ' "text": {"question": "q?", "answer": "a", "topic": "t"}}'
    )
