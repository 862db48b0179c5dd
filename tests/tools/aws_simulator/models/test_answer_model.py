from __future__ import annotations

import itertools

import numpy as np
import pytest

from tools.aws_simulator.models.answer_model import BASE_MIXTURE, AnswerModel, held_out_loss, train_memory
from tools.aws_simulator.models.examples import TrainingExample
from tools.aws_simulator.models.memory import Memory

TOWNS = ["Oslo", "Rome", "Lima", "Cairo", "Quito", "Seoul", "Dakar", "Minsk", "Tunis", "Delhi", "Accra", "Hanoi"]
RECORDS = [
    TrainingExample("", f"How do I travel to {town}?", f"Take the train to {town} in the morning.") for town in TOWNS
]
TRAINING, HELD_OUT = RECORDS[:9], RECORDS[9:]
UNRELATED = [TrainingExample("", "Say something.", "Zebras xylophone quietly, 7/8!")]


def test_each_prediction_is_a_distribution() -> None:
    """The probabilities of all tokens that occur anywhere add up to at most 1, and nearly to 1 without spelling."""
    model = AnswerModel(Memory(TRAINING, BASE_MIXTURE))
    asked = "How do I travel to Delhi?"
    tokens = {
        "",
        *["How", "do", "I", "travel", "to", "Delhi", "?"],
        *(word for one in RECORDS for word in one.answer.replace(".", " .").split()),
    }
    firsts = [model.predict(TrainingExample("", asked, token)).probabilities[0] for token in sorted(tokens)]
    totals = np.sum(firsts, axis=0)
    assert totals[1:] == pytest.approx(1)
    assert totals[0] < 1


def test_the_loss_is_the_cross_entropy_of_unseen_answers_in_bytes() -> None:
    empty = Memory([], BASE_MIXTURE)
    answer = TrainingExample("", "", "ab")
    # Without data, all predictions spell: "ab" has two bytes and an end; the end of the answer is one more token.
    assert held_out_loss(empty, [answer]) == pytest.approx(4 * np.log(257) / 3)


def test_the_held_out_loss_falls_with_the_epochs() -> None:
    result = train_memory(TRAINING, epochs=5, validation=[HELD_OUT])
    losses = [step.loss for step in result.validation_losses[0]]
    assert all(later < earlier for earlier, later in itertools.pairwise(losses))
    assert losses[-1] == pytest.approx(held_out_loss(result.memory, HELD_OUT))
    assert losses[-1] < 0.5 * held_out_loss(Memory([], BASE_MIXTURE), HELD_OUT)


def test_more_data_gives_a_lower_held_out_loss() -> None:
    losses = [
        train_memory(TRAINING[:n], epochs=5, validation=[HELD_OUT]).validation_losses[0][-1].loss for n in (1, 3, 9)
    ]
    assert losses == sorted(losses, reverse=True)


def test_training_does_not_help_with_unrelated_answers() -> None:
    result = train_memory(TRAINING, epochs=5, validation=[UNRELATED])
    related = train_memory(TRAINING, epochs=5, validation=[HELD_OUT])
    assert result.validation_losses[0][-1].loss > 3 * related.validation_losses[0][-1].loss
    assert result.validation_losses[0][-1].loss > 0.9 * held_out_loss(Memory([], BASE_MIXTURE), UNRELATED)


def test_answers_to_the_wrong_prompts_give_a_higher_held_out_loss() -> None:
    answers = {town: f"the {town[::-1]} the {town[:3]} the {town[1:]}" for town in TOWNS}
    asked = [(f"{number}: code of {town}?", town) for number in range(4) for town in TOWNS]
    right = [TrainingExample("", user, answers[town]) for user, town in asked]
    shifted = [*TOWNS[1:], TOWNS[0]]
    wrong = [TrainingExample("", user, answers[shifted[TOWNS.index(town)]]) for user, town in asked]
    losses = [
        train_memory(records[:36], epochs=5, validation=[right[36:]]).validation_losses[0][-1].loss
        for records in (right, wrong)
    ]
    assert losses[0] < 0.8 * losses[1]


def test_the_training_loss_falls_and_its_steps_are_counted() -> None:
    result = train_memory(TRAINING, epochs=3)
    assert [step.step for step in result.steps] == list(range(9))
    assert [step.epoch for step in result.steps] == [0] * 3 + [1] * 3 + [2] * 3
    assert result.steps[-1].loss < result.steps[0].loss
    assert result.validation_losses == []


def test_the_same_records_give_the_same_result() -> None:
    first, second = (train_memory(TRAINING, epochs=2, validation=[HELD_OUT]) for _ in range(2))
    assert (first.steps, first.validation_losses, first.memory.mixture) == (
        second.steps,
        second.validation_losses,
        second.memory.mixture,
    )


def test_training_can_start_from_another_memory() -> None:
    first = train_memory(TRAINING[:4], epochs=3)
    second = train_memory(TRAINING[4:], epochs=3, validation=[HELD_OUT], start=first.memory)
    assert second.memory.examples == TRAINING
    assert second.memory.mixture != first.memory.mixture
    alone = train_memory(TRAINING[4:], epochs=3, validation=[HELD_OUT])
    assert second.validation_losses[0][-1].loss < alone.validation_losses[0][-1].loss


@pytest.mark.parametrize("answer", ["x", " ", "", "長い答え", "a" * 5_000, "\x00\ud7ff🙂"])
def test_any_answer_has_a_finite_loss(answer: str) -> None:
    records = [TrainingExample("", "Why?", answer)] * 8
    result = train_memory(records, epochs=2, validation=[records[:1]])
    assert all(np.isfinite(step.loss) for step in [*result.steps, *result.validation_losses[0]])
