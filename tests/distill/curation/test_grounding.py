from __future__ import annotations

import pytest

from include.distill.curation.grounding import GroundingScorer

BUCKETS = "Amazon S3 keeps objects in buckets. A bucket has a name that nobody else uses, and versioning can be on."
JAPANESE = "東京は日本の首都であり、人口は約千四百万人です。面積は二千百九十四平方キロメートルです。"
THAI = "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทยและมีประชากรมากกว่าสิบล้านคน"


@pytest.mark.parametrize(
    ("document", "answer", "low", "high"),
    [
        pytest.param(BUCKETS, "A bucket has a name that nobody else uses.", 1, 1, id="word for word"),
        pytest.param(
            BUCKETS, "A BUCKET has a **name**\nthat “nobody else” uses", 0.99, 1, id="case, marks, line breaks"
        ),
        pytest.param(
            BUCKETS, "Objects are kept in buckets, whose versioning can be on.", 0.3, 0.9, id="in other words"
        ),
        pytest.param(
            BUCKETS,
            "Lambda runs a function whenever an event arrives in the queue.",
            0,
            0.2,
            id="from another document",
        ),
        pytest.param(JAPANESE, "人口は約千四百万人です。", 1, 1, id="Japanese, word for word"),
        pytest.param(JAPANESE, "大阪の名物はたこ焼きとお好み焼きです。", 0, 0.2, id="Japanese, from another document"),
        pytest.param(
            BUCKETS, "A name on a bucket can be used 東京都 京都府", 0.1, 0.2, id="a few Chinese characters in English"
        ),
        pytest.param(THAI, "เป็นเมืองหลวงของประเทศไทย", 0.99, 1, id="Thai, word for word"),
        pytest.param(BUCKETS, "S3", 1, 1, id="one word of the document"),
        pytest.param(BUCKETS, "S", 0, 0, id="one word that is only a part of another"),
        pytest.param(JAPANESE, "首都", 1, 1, id="a Japanese word of the document"),
        pytest.param(BUCKETS, "!!", 0, 1, id="no word"),
    ],
)
def test_grounding_is_the_share_of_the_answer_that_the_document_contains(
    document: str, answer: str, low: float, high: float
) -> None:
    assert low <= GroundingScorer(document).score(answer) <= high


def test_a_changed_word_hardly_lowers_the_grounding() -> None:
    """Grounding measures wording, not truth. The documentation states this limit."""
    answer = "A bucket has a name that nobody else uses, and versioning can be off."
    assert GroundingScorer(BUCKETS).score(answer) > 0.9
