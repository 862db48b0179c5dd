"""Build the text that a person sees when Airflow asks which of two answers is better."""

from __future__ import annotations

from include.distill.labeling.records import LabelExample
from include.distill.report.markdown import as_paragraphs

# The UI shows a question on one page, so it shows only this many characters of a document. A sheet contains the whole
# document.
MAX_DOCUMENT_CHARACTERS = 20_000


def question_body(example: LabelExample) -> str:
    """Return the text that the person sees: the question and both answers, and below them the document."""
    document = example["document"]
    cut = len(document) > MAX_DOCUMENT_CHARACTERS
    return "\n\n".join(
        [
            "### Question",
            as_paragraphs(example["question"]),
            "### Answer A",
            as_paragraphs(example["answer_a"]),
            "### Answer B",
            as_paragraphs(example["answer_b"]),
            f"### Document{', only the beginning (a sheet contains the whole document)' if cut else ''}",
            "Airflow shows the choices below the document.",
            as_paragraphs(document[:MAX_DOCUMENT_CHARACTERS]),
        ]
    )
