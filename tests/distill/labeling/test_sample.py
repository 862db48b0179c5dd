"""Test the blinded sample and the labels that result from it."""

from __future__ import annotations

from include.distill.labeling.label_store import match_labels
from include.distill.labeling.records import Choice
from include.distill.labeling.sample import key_name, split_example_name, to_labels
from tests.distill.labeling.example_sample import ANSWERS, PAIR, ROWS, sample, with_new_answers


def test_the_sample_is_reproducible_and_a_larger_sample_begins_with_the_same_examples() -> None:
    assert sample() == sample()
    assert sample(40)[:20] == sample()
    assert sample(seed=8) != sample()


def test_each_arm_is_shown_first_about_equally_often() -> None:
    first = [example["a"] for example in sample(60)]
    assert 15 < first.count("candidate") < 45
    for example in sample(60):
        shown = {"candidate": "tuned", "baseline": "base"}[example["a"]]
        assert example["answer_a"].startswith(shown)
        assert not example["answer_b"].startswith(shown)


def test_questions_with_two_equal_answers_are_left_out() -> None:
    same = {**ANSWERS["tuned"], ROWS[0]["row_id"]: ANSWERS["base"][ROWS[0]["row_id"]]}
    drawn = sample(60, answers={**ANSWERS, "tuned": same})
    assert len(drawn) == 59
    assert ROWS[0]["row_id"] not in {example["row_id"] for example in drawn}


def test_the_name_of_an_example_identifies_its_run_and_its_answers() -> None:
    run, shown = split_example_name(sample()[0]["example"])
    assert split_example_name(sample(run_key="other")[0]["example"]) != (run, shown)
    assert split_example_name(f"999-{run}-{shown}") == (run, shown)
    assert split_example_name("nothing") == ("", "")


def test_labels_are_translated_into_verdicts_for_the_preferred_arms() -> None:
    examples = sample(5)
    choices: list[Choice] = ["A", "B", "Tie", "No answer"]
    labels = {example["example"]: choice for example, choice in zip(examples, choices, strict=False)}
    stored = to_labels(labels, examples, pair=PAIR, labeler="ada", now="2026-11-22T00:00:00+00:00")
    other = {"candidate": "baseline", "baseline": "candidate"}
    assert [label["verdict"] for label in stored] == [examples[0]["a"], other[examples[1]["a"]], "tie"]
    assert {label["labeller"] for label in stored} == {"ada"}


def test_two_samples_have_the_same_key_only_if_they_show_the_same_answers() -> None:
    assert key_name(sample()) == key_name(sample())
    assert len({key_name(sample(60, answers=with_new_answers(*changed))) for changed in ((), (1,), (1, 2))}) == 3


def test_stored_labels_belong_to_the_answers_that_were_shown() -> None:
    examples = sample(60)
    choices = {example["example"]: "A" for example in examples}
    labels = to_labels(choices, examples, pair=PAIR, labeler="ada", now="2026-11-22T00:00:00+00:00")
    assert {label["verdict"] for label in labels} == {"candidate", "baseline"}
    assert match_labels(labels, ANSWERS).as_record() == {"counted": 60, "changed": 0, "unmarked": 0}
    assert match_labels(labels, with_new_answers(0, 7)).as_record() == {"counted": 58, "changed": 2, "unmarked": 0}


def test_the_seed_decides_which_answer_is_shown_first() -> None:
    first = {example["row_id"]: example["a"] for example in sample(60, seed=7)}
    assert first != {example["row_id"]: example["a"] for example in sample(60, seed=8)}
