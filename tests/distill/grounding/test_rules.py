"""Each rule of the check, with an answer that it finds and a neighbour that it must leave alone."""

from __future__ import annotations

from include.distill.grounding.check import Finding, GroundingCheck


def check(document: str, answer: str, question: str = "What does the document say about it?") -> Finding:
    return GroundingCheck(document).check(answer, question)


def result(document: str, answer: str, question: str = "What does the document say about it?") -> str:
    return check(document, answer, question).outcome


STORE = (
    "The archive keeps 5 copies of each record for 30 days. A header takes 1 byte, a key has up to 38 significant"
    " digits, and the images include CentOS 7. The modules follow FIPS 140-2. Failed orders go to orders-dlq. Access is"
    " given by a bucket policy or by an access point policy. The service opens at 9:00 and closes after 8 hours."
)


def test_a_sum_counts_only_beside_a_word_for_it() -> None:
    document = "The adult ticket costs $12 and the child ticket costs $7."
    assert result(document, "Together, the two tickets cost $19.") == "undecided"
    assert result(document, "The adult ticket costs $19.") == "dropped"


def test_a_count_of_the_rows_of_a_table_is_undecided() -> None:
    document = "| Lake | Depth |\n|---|---|\n" + "".join(f"| {name} | 50 |\n" for name in ("Garda", "Como", "Iseo"))
    assert result(document, "The table lists three lakes.") == "undecided"
    assert result(document, "The lakes are at most four.") == "dropped"


def test_an_absent_abbreviation_is_dropped() -> None:
    assert result(STORE, "It needs a CORS rule.") == "dropped"


def test_an_answer_with_nothing_beyond_its_question_is_undecided() -> None:
    document = "Ein Paket wird innerhalb von Deutschland nach Erfurt geliefert."
    assert result(document, "Das Lager steht in Leipzig.", "Wo steht das Lager?") == "undecided"
    assert result(document, "Das Paket geht nach Erfurt.", "Wohin geht das Paket?") == "kept"


def test_a_yes_or_no_that_repeats_its_question_is_kept() -> None:
    assert (
        result("Static routing does not support ECMP.", "No, it isn't.", "Is ECMP supported with static routing?")
        == "kept"
    )


def test_what_a_long_answer_adds_to_its_question_must_be_in_the_document() -> None:
    document = "A queue holds messages until a consumer deletes them. Messages expire after some time."
    question = "How do tables, indexes and partitions of a database scale?"
    answer = (
        "The tables, indexes and partitions of a database scale because hashing spreads writes evenly, replicas absorb"
        " reads, balancers shift traffic and planners prune cold segments."
    )
    assert "not_in_document" in {one.reason for one in check(document, answer, question).absences}
    assert result(document, answer, question) == "dropped"
