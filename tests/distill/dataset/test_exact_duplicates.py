from __future__ import annotations

from include.distill.dataset.exact_duplicates import ExactDuplicateIndex, RowLocations


def test_a_repeated_pair_is_found_with_its_first_row_whatever_the_case_and_spacing() -> None:
    index = ExactDuplicateIndex(RowLocations())
    assert index.find("What is S3?", "A store") is None
    assert index.add("What is S3?", "A store", source="a.csv", row=3) is None
    assert index.find("what is  S3?", "a STORE") == "row 3 of a.csv"
    assert index.add("What is S3?", "A store", source="b.csv", row=9) == "row 3 of a.csv"


def test_a_pair_with_another_question_or_answer_is_new() -> None:
    index = ExactDuplicateIndex(RowLocations())
    index.add("q", "a", source="a.csv", row=1)
    assert index.find("q", "another") is None
    assert index.find("another", "a") is None
    assert index.find("q a", "") is None


def test_a_row_that_is_added_twice_is_not_a_duplicate() -> None:
    index = ExactDuplicateIndex(RowLocations())
    for _ in range(2):
        assert index.add("q", "a", source="a.csv", row=1) is None


def test_every_row_of_every_file_has_a_distinct_location_with_a_description() -> None:
    locations = RowLocations()
    rows = [(source, row) for source in ("a.csv", "b/c.csv") for row in (1, 2, 10**9)]
    encoded = [locations.encode(source, row) for source, row in rows]
    assert len(set(encoded)) == len(rows)
    assert [locations.describe(location) for location in encoded] == [f"row {row} of {source}" for source, row in rows]
