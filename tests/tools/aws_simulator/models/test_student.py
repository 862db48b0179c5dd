from __future__ import annotations

import random

import pytest

from include.distill.config.prompts import load_prompt
from tests.tools.aws_simulator.models.sample_rows import sample_rows
from tools.aws_simulator.models.conversation import single
from tools.aws_simulator.models.delimiters import NotUnderstoodError
from tools.aws_simulator.models.dialogue import SimulatedModel, reply_to
from tools.aws_simulator.models.examples import TrainingExample
from tools.aws_simulator.models.ranker import FEATURES, PRIOR, quote_answer
from tools.aws_simulator.models.student import StudentResult, held_out_loss, train
from tools.aws_simulator.models.text import read_document, token_f1, words


def example(row: dict[str, str], answer: str | None = None) -> TrainingExample:
    user = load_prompt("answering.j2").render(document=row["doc"], question=row["question"])
    return TrainingExample("Answer from the document.", user, row["answer"] if answer is None else answer)


def shuffled(rows: list[dict[str, str]], seed: int) -> list[TrainingExample]:
    answers = random.Random(seed).sample([row["answer"] for row in rows], len(rows))
    return [example(row, answer) for row, answer in zip(rows, answers, strict=True)]


def mean_f1(weights: dict[str, float] | None, rows: list[dict[str, str]]) -> float:
    answers = [quote_answer(read_document(row["doc"]), row["question"], weights) for row in rows]
    scores = [token_f1(words(text), words(row["answer"])) for text, row in zip(answers, rows, strict=True)]
    return sum(scores) / len(scores)


TRAINING = sample_rows("train.csv", 120)
HELD_OUT_ROWS = sample_rows("evaluation.csv", 40)
HELD_OUT = [example(row) for row in HELD_OUT_ROWS]


@pytest.fixture(scope="module")
def real() -> StudentResult:
    return train([example(row) for row in TRAINING], epochs=2, validation=[HELD_OUT])


class TestDifferentBecauseOfItsData:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_training_on_shuffled_answers_gives_a_worse_held_out_loss_and_worse_answers(
        self, real: StudentResult, seed: int
    ) -> None:
        other = train(shuffled(TRAINING, seed), epochs=2, validation=[HELD_OUT])
        assert other.validation_losses[0][-1].loss > 1.2 * real.validation_losses[0][-1].loss
        assert mean_f1(other.weights, HELD_OUT_ROWS) < mean_f1(real.weights, HELD_OUT_ROWS)

    def test_a_student_trained_on_real_answers_is_better_than_the_base_model(self, real: StudentResult) -> None:
        assert held_out_loss(real.weights, HELD_OUT) < held_out_loss(None, HELD_OUT)
        assert mean_f1(real.weights, HELD_OUT_ROWS) > mean_f1(None, HELD_OUT_ROWS)

    def test_training_on_other_rows_gives_other_weights_and_some_other_answers(self, real: StudentResult) -> None:
        other = train([example(row) for row in TRAINING[:20]], epochs=2, validation=())
        assert other.weights != real.weights
        user = [one.user for one in HELD_OUT]
        replies = [
            [reply_to(SimulatedModel("amazon", w), single("", u), 500) for u in user]
            for w in (real.weights, other.weights)
        ]
        assert replies[0] != replies[1]


class TestTheRecordOfTraining:
    def test_the_loss_falls(self, real: StudentResult) -> None:
        losses = [step.loss for step in real.steps]
        quarter = len(losses) // 4
        assert sum(losses[-quarter:]) < 0.9 * sum(losses[:quarter])

    def test_steps_are_counted_from_zero_through_all_epochs(self, real: StudentResult) -> None:
        assert [step.step for step in real.steps] == list(range(len(real.steps)))
        assert [step.epoch for step in real.steps] == sorted(step.epoch for step in real.steps)
        assert {step.epoch for step in real.steps} == {0, 1}

    def test_there_is_one_validation_loss_an_epoch_at_its_last_step(self, real: StudentResult) -> None:
        last_steps = {step.epoch: step.step for step in real.steps}
        assert {loss.epoch: loss.step for loss in real.validation_losses[0]} == last_steps

    def test_the_last_validation_loss_belongs_to_the_final_weights(self, real: StudentResult) -> None:
        assert real.validation_losses[0][-1].loss == pytest.approx(held_out_loss(real.weights, HELD_OUT))

    def test_without_validation_rows_there_are_no_validation_losses(self) -> None:
        result = train([example(TRAINING[0])], epochs=3, validation=())
        assert (len(result.steps), result.validation_losses) == (3, [])

    def test_the_first_loss_belongs_to_the_base_model(self) -> None:
        records = [example(row) for row in TRAINING[:3]]
        assert train(records, epochs=1, validation=()).steps[0].loss == pytest.approx(held_out_loss(None, records))


def test_the_same_records_give_the_same_result(real: StudentResult) -> None:
    assert train([example(row) for row in TRAINING], epochs=2, validation=[HELD_OUT]) == real


def test_training_does_not_change_the_base_model(real: StudentResult) -> None:
    assert real.weights.keys() == PRIOR.keys() == set(FEATURES)
    assert real.weights != PRIOR
    assert held_out_loss(None, HELD_OUT) == held_out_loss(PRIOR, HELD_OUT)


def test_a_record_without_delimiters_is_an_error() -> None:
    with pytest.raises(NotUnderstoodError, match="<document>"):
        train([TrainingExample("", "What is a bucket?", "A container.")], epochs=1, validation=())


def test_records_without_any_text_teach_nothing() -> None:
    empty = example({"doc": "", "question": "Why?", "answer": "So."})
    assert train([empty], epochs=1) == StudentResult(PRIOR, [], [])


def test_training_can_start_from_the_weights_of_a_custom_model(real: StudentResult) -> None:
    records = [example(row) for row in TRAINING[:3]]
    further = train(records, epochs=1, start=real.weights)
    assert further.steps[0].loss == pytest.approx(held_out_loss(real.weights, records))
    assert further.weights not in (real.weights, train(records, epochs=1).weights)


def test_several_validation_sets_have_their_own_losses() -> None:
    records = [example(row) for row in TRAINING[:3]]
    both = train(records, epochs=2, validation=[HELD_OUT[:2], HELD_OUT[2:4]]).validation_losses
    apart = [train(records, epochs=2, validation=[one]).validation_losses[0] for one in (HELD_OUT[:2], HELD_OUT[2:4])]
    assert both == apart
