"""
Draw a blinded sample of answers for people to label, and translate the choices A and B into arms.

Examples are drawn in a fixed order, so a larger sample starts with the examples of a smaller sample. For each question,
a pseudorandom draw decides which arm's answer is shown as A. The key, which records these decisions, is stored
separately from the sheet that people see. The name of an example contains a hash of the two answers, so that a label is
matched with exactly these answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from include.distill.core.naming import canonical_hash, digest
from include.distill.dataset.group_draw import draw
from include.distill.dataset.records import Row
from include.distill.labeling.label_store import AnswersByArm, answers_hash
from include.distill.labeling.records import Choice, Label, LabelExample, Preference

LABEL_CHOICES: tuple[Choice, ...] = get_args(Choice)
NO_ANSWER: Choice = "No answer"


def draw_sample(
    rows: Sequence[Row],
    answers: AnswersByArm,
    *,
    pair: tuple[str, str],
    examples: int,
    seed: int,
    run_key: str,
) -> list[LabelExample]:
    """
    Draw the examples, each with the key that shows which arm gave which answer.

    Questions to which both arms gave the same answer are left out, because there is no preference to express.

    :param answers: each arm's answers, by row id.
    :param pair: candidate and baseline.
    :param examples: maximum number of examples to draw.
    """
    differing = [row for row in rows if answers[pair[0]][row["row_id"]] != answers[pair[1]][row["row_id"]]]
    drawn = sorted(differing, key=lambda row: draw("label sample", seed, row["row_id"]))[:examples]
    return [
        _example(number, row, answers, pair=pair, seed=seed, run_key=run_key)
        for number, row in enumerate(drawn, start=1)
    ]


def _example(
    number: int, row: Row, answers: AnswersByArm, *, pair: tuple[str, str], seed: int, run_key: str
) -> LabelExample:
    first: Literal["candidate", "baseline"] = (
        "candidate" if draw("which is A", seed, row["row_id"]) < 0.5 else "baseline"
    )
    shown = pair if first == "candidate" else (pair[1], pair[0])
    answer_a, answer_b = (answers[arm][row["row_id"]] for arm in shown)
    # The answers are hashed in the order in which they are shown, so the name does not reveal their arms.
    name = f"{number:03d}-{digest(run_key, *pair)[:6]}-{digest(row['row_id'], answer_a, answer_b)[:8]}"
    return {
        "example": name,
        "row_id": row["row_id"],
        "question": row["question"],
        "document": row["document"],
        "answer_a": answer_a,
        "answer_b": answer_b,
        "a": first,
    }


def split_example_name(example: str) -> tuple[str, str]:
    """
    Return the two hashes in the name of an example.

    The first is the hash of the run and its arms. The second is the hash of the row and the answers.

    The number at the start of the name is only for people. It changes when the answers to other rows change.

    :return: two strings, which are empty if the name contains no hashes.
    """
    _, run_and_pair, shown = [*example.split("-"), "", ""][:3]
    return run_and_pair, shown


def key_name(examples: Sequence[LabelExample]) -> str:
    """Return the file name of a sample's key. The name contains a hash of all examples."""
    return f"key-{canonical_hash(examples)[:12]}.jsonl"


def to_labels(
    choices: Mapping[str, Choice], examples: Sequence[LabelExample], *, pair: tuple[str, str], labeler: str, now: str
) -> list[Label]:
    """
    Translate one person's choices from A and B into candidate and baseline.

    :param choices: choices by name of the example. The choice "No answer" does not become a label.
    :param pair: candidate and baseline.
    :param now: time of the labels, ISO 8601, UTC.
    """
    labels: list[Label] = []
    for example in examples:
        choice = choices.get(example["example"], NO_ANSWER)
        if choice == NO_ANSWER:
            continue
        other: Preference = "baseline" if example["a"] == "candidate" else "candidate"
        verdicts: dict[Choice, Preference] = {"A": example["a"], "B": other, "Tie": "tie"}
        labels.append(
            {
                "row_id": example["row_id"],
                "candidate": pair[0],
                "baseline": pair[1],
                "answers": _hash_of_shown_answers(example),
                "labeller": labeler,
                "verdict": verdicts[choice],
                "labelled_at": now,
            }
        )
    return labels


def _hash_of_shown_answers(example: LabelExample) -> str:
    if example["a"] == "candidate":
        return answers_hash(example["answer_a"], example["answer_b"])
    return answers_hash(example["answer_b"], example["answer_a"])
