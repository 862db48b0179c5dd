"""
Train a simulated student on documents alone, as continued pre-training does.

A document has no question and no answer. The student learns two things from it:

- to continue text: each passage is remembered with the passage before it (``memory.py``). The loss is that of
  predicting the passages of the training file, each without its own record (``answer_model.py``);
- which words are common in the documents (``vocabulary.py``), which changes how the student weighs the words of a
  question when it looks for the answer in a document.

It does not learn where in a document answers are, because nothing in the data says so. Only fine-tuning teaches this.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tools.aws_simulator.models.answer_model import train_memory
from tools.aws_simulator.models.examples import TrainingExample
from tools.aws_simulator.models.fine_tuning import TrainedModel, TrainingResult
from tools.aws_simulator.models.memory import Memory
from tools.aws_simulator.models.text import read_document
from tools.aws_simulator.models.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

PASSAGE = 200  # characters; sentences are joined until a passage is at least this long


def pre_train(
    documents: Sequence[str],
    *,
    epochs: int,
    validation: Sequence[Sequence[str]] = (),
    start: TrainedModel | None = None,
) -> TrainingResult:
    """Train a student on documents. The same documents give the same result.

    :param start: the custom model from which the training starts; None for the base model.
    """
    start = start or TrainedModel()
    trained = train_memory(
        _continuations(documents),
        epochs=epochs,
        validation=[_continuations(one) for one in validation],
        start=start.memory,
    )
    known = (start.memory and start.memory.vocabulary) or Vocabulary()
    vocabulary = known.after_reading(
        sentence.terms for document in documents for sentence in read_document(document).sentences
    )
    memory = Memory(trained.memory.examples, trained.memory.mixture, vocabulary)
    return TrainingResult(TrainedModel(start.weights, memory), trained.steps, trained.validation_losses)


def _continuations(documents: Sequence[str]) -> list[TrainingExample]:
    """Return the passages of all documents, each as the continuation of the passage before it."""
    return [
        TrainingExample(system="", user=before, answer=passage, history="")
        for document in documents
        for before, passage in pairwise(["", *_passages(document)])
    ]


def _passages(document: str) -> list[str]:
    """Return the document in pieces that end with a sentence. Only the white space between the pieces is left out."""
    ends, start = [], 0
    for sentence in read_document(document).sentences:
        if sentence.end - start >= PASSAGE:
            ends.append(sentence.end)
            start = sentence.end
    pieces = [document[begin:end].strip() for begin, end in pairwise([0, *ends, len(document)])]
    return [piece for piece in pieces if piece]
