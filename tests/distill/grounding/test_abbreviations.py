from __future__ import annotations

import pytest

from include.distill.grounding.abbreviations import abbreviations_in, expanded_words, with_count

KNOWN = frozenset({"sqs", "s3", "ec2", "iam", "iot", "vpc", "pci", "dss", "lb"})


def expanded(text: str) -> str:
    """Return the words of ``text`` that write out a known abbreviation."""
    places = expanded_words(text, frozenset({"sqs", "iot"}), KNOWN - {"iot"})
    return " ".join(text[place:].split()[0].strip(".,()") for place in sorted(places))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It is moved by the Simple Queue Service.", "Simple Queue Service"),
        ("It is moved by the Amazon Simple Queue Service (SQS).", "Simple Queue Service"),
        ("Use the Simple Storage Service for it.", "Simple Storage Service"),
        ("Elastic Compute Cloud instances", "Elastic Compute Cloud"),
        ("access through Identity and Access Management", "Identity and Access Management"),
        ("The Internet of Things grows.", "Internet of Things"),
        ("the Payment Card Industry Data Security Standard", "Payment Card Industry Data Security Standard"),
        ("a Load Balancer", "Load Balancer"),
        ("the Simple Notification Service", ""),
        ("the Elastic Container Service", ""),
        ("a Simple queue Service", ""),
        ("Queue", ""),
    ],
)
def test_words_that_write_out_a_known_abbreviation_are_found(text: str, words: str) -> None:
    assert expanded(text) == words


def test_two_letters_must_be_written_in_capitals() -> None:
    assert expanded_words("It is in the Inner Station.", frozenset({"is"}), frozenset()) == frozenset()
    assert expanded_words("It is in the Inner Station.", frozenset(), frozenset({"is"})) != frozenset()


def test_abbreviations_are_words_in_capitals() -> None:
    assert abbreviations_in("The SQS, two ALBs, EC2 and S3, but not A, McDonald, m5 or sqs.") == {
        "sqs",
        "alb",
        "ec2",
        "s3",
    }


@pytest.mark.parametrize(("initials", "expected"), [("sss", "s3"), ("ecc", "ec2"), ("sqs", "sqs"), ("www", "w3")])
def test_repeated_initials_are_counted(initials: str, expected: str) -> None:
    assert with_count(initials) == expected
