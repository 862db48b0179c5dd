"""Continued pre-training teaches a student documents, and nothing about how to answer."""

from __future__ import annotations

import pytest

from tests.tools.aws_simulator.builders import prompt
from tests.tools.aws_simulator.models.sample_rows import sample_rows
from tests.tools.aws_simulator.models.test_student import example
from tools.aws_simulator.models.conversation import single
from tools.aws_simulator.models.dialogue import SimulatedModel, reply_to
from tools.aws_simulator.models.fine_tuning import TrainedModel, TrainingResult, fine_tune
from tools.aws_simulator.models.pre_training import pre_train

DOCUMENTS = list(dict.fromkeys(row["doc"] for row in sample_rows("train.csv", 40)))
HELD_OUT = list(dict.fromkeys(row["doc"] for row in sample_rows("evaluation.csv", 10)))
ROCKETS = ["The rocket motor burns kerosene. The motor of stage two burns hydrogen. A motor needs cooling."] * 3


def reply(model: TrainedModel | None, user: str) -> str:
    weights, memory = (model.weights, model.memory) if model else (None, None)
    return reply_to(SimulatedModel("Amazon", weights, memory), single("", user), 500).text


@pytest.fixture(scope="module")
def trained() -> TrainingResult:
    return pre_train(DOCUMENTS, epochs=3, validation=[HELD_OUT])


def test_the_loss_falls_and_comes_once_per_step_and_once_per_epoch(trained: TrainingResult) -> None:
    assert {step.epoch for step in trained.steps} == {0, 1, 2}
    (losses,) = trained.validation_losses
    assert [step.epoch for step in losses] == [0, 1, 2]
    assert losses[-1].loss < losses[0].loss
    first, last = ([step.loss for step in trained.steps if step.epoch == epoch] for epoch in (0, 2))
    assert sum(last) / len(last) < sum(first) / len(first)


def test_documents_of_another_domain_predict_the_held_out_documents_worse(trained: TrainingResult) -> None:
    other = pre_train(ROCKETS, epochs=3, validation=[HELD_OUT])
    assert other.validation_losses[0][-1].loss > trained.validation_losses[0][-1].loss


def test_the_same_documents_give_the_same_model() -> None:
    first, second = (pre_train(ROCKETS, epochs=2).model.memory for _ in range(2))
    assert first
    assert second
    assert first.to_json() == second.to_json()


def test_a_model_continues_a_text_that_it_has_read() -> None:
    begins = (
        "The night watch at pier nine begins with a walk along the whole quay, and every lamp is checked by hand. " * 2
    )
    goes_on = "Afterwards the keeper writes the tide into the blue ledger."
    model = pre_train([begins + goes_on], epochs=1).model
    assert reply(model, begins) == goes_on != reply(None, begins)


def test_every_sentence_of_a_document_is_learned() -> None:
    memory = pre_train(DOCUMENTS[:5], epochs=1).model.memory
    assert memory
    learned = " ".join(one.answer for one in memory.examples).split()
    assert learned == " ".join(DOCUMENTS[:5]).split()


def test_it_learns_no_weights_because_no_answer_is_in_the_data(trained: TrainingResult) -> None:
    assert trained.model.weights is None


class TestAnswersFromADocument:
    QUESTION = "Which fuel does the motor burn at sea level?"
    DOCUMENT = (
        "The motor of the crane is electric. The motor of the lift is electric. The fuel of the ferry is diesel at sea"
        " level."
    )

    def test_depend_on_the_documents_of_the_training(self) -> None:
        asked = prompt(self.QUESTION, self.DOCUMENT)
        motors = ["A motor burns. Every motor burns. Each motor burns. No motor rests. One motor burns."]
        ferries = ["A ferry at sea level. A fuel at sea level. The fuel. A sea level. Fuel at sea level."]
        answers = [reply(model, asked) for model in (pre_train(d, epochs=1).model for d in (motors, ferries))]
        assert "ferry" in answers[0]
        assert answers[0] != answers[1]

    def test_are_still_quotes(self, trained: TrainingResult) -> None:
        answer = reply(trained.model, prompt())
        assert answer
        assert answer in prompt()


class TestFineTuningAfterwards:
    def test_keeps_the_vocabulary_and_learns_where_answers_are(self, trained: TrainingResult) -> None:
        rows = [example(row) for row in sample_rows("train.csv", 30)]
        both = fine_tune(rows, epochs=1, start=trained.model).model
        assert both.weights
        assert both.memory
        assert trained.model.memory
        assert both.memory.vocabulary == trained.model.memory.vocabulary
        assert both.weights != fine_tune(rows, epochs=1).model.weights

    def test_and_more_documents_add_to_what_the_model_knows(self, trained: TrainingResult) -> None:
        more = pre_train(ROCKETS, epochs=1, start=trained.model).model.memory
        assert more
        assert more.vocabulary
        assert trained.model.memory
        assert trained.model.memory.vocabulary
        assert more.vocabulary.sentences == trained.model.memory.vocabulary.sentences + 9
        assert len(more.examples) > len(trained.model.memory.examples)
