from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tools.aws_simulator.models.sample_rows import sample_rows
from tests.tools.aws_simulator.models.test_student import example
from tools.aws_simulator.models.conversation import Conversation, Text, Turn, single
from tools.aws_simulator.models.dialogue import SimulatedModel, reply_to
from tools.aws_simulator.models.examples import TrainingExample
from tools.aws_simulator.models.fine_tuning import TrainedModel, TrainingResult, fine_tune
from tools.aws_simulator.models.ranker import PRIOR
from tools.aws_simulator.models.student import held_out_loss, train

RECORDED = json.loads(Path(__file__).with_name("recorded_training.json").read_text(encoding="utf-8"))
ROWS, HELD_OUT_ROWS = sample_rows("train.csv", 60), sample_rows("evaluation.csv", 20)
QUOTED, HELD_OUT = [example(row) for row in ROWS], [example(row) for row in HELD_OUT_ROWS]
FREE = [TrainingExample("Be brief.", f"Which gate for flight {n}?", f"Gate {n} is open.") for n in range(12)]


def reply(model: TrainedModel | None, user: str, system: str = "Be brief.") -> str:
    weights, memory = (model.weights, model.memory) if model else (None, None)
    return reply_to(SimulatedModel("Amazon", weights, memory), single(system, user), 500).text


@pytest.fixture(scope="module")
def quoted() -> TrainingResult:
    return fine_tune(QUOTED, epochs=2, validation=[HELD_OUT])


def test_records_with_delimiters_train_exactly_as_they_always_did(quoted: TrainingResult) -> None:
    """The recorded result is that of the first version of the student, which knew only such records."""
    assert quoted.model.weights == pytest.approx(RECORDED["weights"], rel=1e-9)
    assert [step.loss for step in quoted.steps] == pytest.approx(RECORDED["training_losses"], rel=1e-9)
    assert [step.loss for step in quoted.validation_losses[0]] == pytest.approx(RECORDED["validation_losses"], rel=1e-9)
    assert quoted.model.memory is None
    for row, answer in zip(HELD_OUT_ROWS, RECORDED["answers"], strict=False):
        assert reply(quoted.model, example(row).user) == answer


class TestAnyRecords:
    def test_a_student_answers_its_training_questions_and_differs_from_the_base_model(self) -> None:
        model = fine_tune(FREE, epochs=2).model
        for one in FREE:
            assert reply(model, one.user) == one.answer != reply(None, one.user)

    def test_other_questions_get_the_answer_of_the_base_model(self) -> None:
        asked = "What is the weather like? It rains."
        assert reply(fine_tune(FREE, epochs=2).model, asked) == reply(None, asked)

    def test_the_last_turn_of_a_conversation_is_answered(self) -> None:
        turns = [
            TrainingExample("", "And tomorrow?", f"{n} degrees.", f"How warm is town {n}?\nMild.") for n in range(9)
        ]
        model = SimulatedModel("Amazon", None, fine_tune(turns, epochs=1).model.memory)
        said = [("user", "How warm is town 5?"), ("assistant", "Mild."), ("user", "And tomorrow?")]
        conversation = Conversation("", tuple(Turn(role, (Text(text),)) for role, text in said))  # type: ignore[arg-type]
        assert reply_to(model, conversation, 500).text == "5 degrees."

    def test_a_schema_is_followed_even_if_the_learned_answer_does_not(self) -> None:
        schema = {"type": "object", "properties": {"gate": {"type": "string"}}, "required": ["gate"]}
        model = SimulatedModel("Amazon", None, fine_tune(FREE, epochs=1).model.memory)
        assert json.loads(reply_to(model, single("", FREE[0].user, schema), 500).text).keys() == {"gate"}

    def test_prompts_of_other_programs_are_learned_too(self) -> None:
        asked = "<answer_to_check>x</answer_to_check><document>y</document>"
        model = fine_tune([TrainingExample("", asked, "Grounded.")], epochs=1).model
        assert reply(model, asked) == "Grounded."

    def test_empty_documents_are_no_obstacle(self) -> None:
        empty = [example({"doc": "", "question": f"Why {n}?", "answer": f"So {n}."}) for n in range(8)]
        result = fine_tune(empty, epochs=2, validation=[empty])
        assert result.model.weights is None
        assert reply(result.model, empty[3].user) == "So 3."

    def test_a_turn_with_delimiters_after_other_turns_is_remembered(self) -> None:
        later = TrainingExample("", QUOTED[0].user, "Yes.", "Hello\nHi")
        assert fine_tune([later] * 8, epochs=1).model.weights is None


class TestMixedFiles:
    def test_both_students_learn_and_the_loss_is_their_mean(self, quoted: TrainingResult) -> None:
        mixed = fine_tune([*QUOTED, *FREE], epochs=2, validation=[HELD_OUT, FREE])
        assert mixed.model.weights == quoted.model.weights
        assert reply(mixed.model, FREE[4].user) == FREE[4].answer
        assert mixed.validation_losses[0] == quoted.validation_losses[0]
        assert [step.step for step in mixed.steps] == list(range(len(quoted.steps)))
        free = fine_tune(FREE, epochs=2)
        expected = (60 * quoted.steps[0].loss + 12 * free.steps[0].loss) / 72
        assert mixed.steps[0].loss == pytest.approx(expected)

    def test_a_validation_file_that_the_training_file_does_not_resemble_has_the_loss_of_the_base_model(self) -> None:
        losses = fine_tune(FREE, epochs=2, validation=[HELD_OUT]).validation_losses[0]
        assert [step.loss for step in losses] == [held_out_loss(None, HELD_OUT)] * 2

    def test_a_validation_file_may_be_mixed(self, quoted: TrainingResult) -> None:
        both = fine_tune(QUOTED, epochs=1, validation=[[*HELD_OUT, *FREE], FREE]).validation_losses
        first = train(QUOTED, epochs=1, validation=[HELD_OUT]).validation_losses[0][0].loss
        assert both[0][0].loss == pytest.approx((20 * first + 12 * both[1][0].loss) / 32)


def test_a_custom_model_can_be_trained_further(quoted: TrainingResult) -> None:
    further = fine_tune(FREE, epochs=1, start=quoted.model)
    assert further.model.weights == quoted.model.weights != PRIOR
    again = fine_tune([TrainingExample("", "Which lounge?", "The red one.")], epochs=1, start=further.model)
    assert reply(again.model, FREE[2].user) == FREE[2].answer
    assert reply(again.model, "Which lounge?", "") == "The red one."
