from __future__ import annotations

import csv

import pytest

from include.distill.dataset.cell_content import cell_fault, row_fault
from include.distill.dataset.records import Role, RowTexts

DOCUMENT, QUESTION = "Document number 5 about thing 5.", "What is thing 5?"
DATABASE_MARKERS = (
    r"\N NULL <null> (null) [NULL] {null} <NA> NaT nan -nan undefined (none) null nil None N/A n/a NA n.a."
    " - -- — – -/- -NaN %NULL%"
    r" \\N NA_character_ &nbsp; [deleted] (blank) (leer) (vacío) n.d. N/D k.A. н/д TBD Loading..."
)
SPREADSHEET_ERRORS = (
    "#N/A #REF! #VALUE! #DIV/0! #NAME? #NUM! #NULL! #SPILL! #CALC! #FIELD! #GETTING_DATA #BLOCKED! #ERROR! Err:502 ####"
    " #NV #BEZUG! #WERT! #ZAHL! #ÜBERLAUF! #VALEUR! #NOM? #NOMBRE! #PROPAGATION! #¡REF! #¡VALOR! #¿NOMBRE? #¡DIV/0!"
    " #N/D #RIF! #NOME? #VALORE! #VERW! #DEEL/0! #N/B #ADR! #ARG! #DZIEL/0! #SAKNAS! #VÄRDEFEL! #VÆRDI! #I/T #HODNOTA!"
    " #DĚLENÍ_NULOU! #ССЫЛКА! #ЗНАЧ! #ДЕЛ/0! #ИМЯ? #Н/Д #DEĞER! #YOK #NÚM! #数値!"
    " #n/a #ref! #Div/0! #bezug!"
)


def fault_of(role: Role, text: str) -> str | None:
    return reason(role, {**texts("It."), role: text})  # type: ignore[typeddict-item]


@pytest.mark.parametrize("text", ["?", ".", "...", "***", "===", "?!", "、。", " ; "])
def test_a_document_or_a_question_has_more_than_punctuation(text: str) -> None:
    assert fault_of("document", text) == fault_of("question", text) == "placeholder"
    assert fault_of("answer", text) is None


@pytest.mark.parametrize("text", ["👍", "∞", "5", "...and so on", "<a>", "π", "(x)", "「猫」"])
def test_a_document_or_a_question_with_a_letter_a_digit_or_a_symbol_is_accepted(text: str) -> None:
    assert fault_of("document", text) is fault_of("question", text) is None


def test_a_lost_character_that_was_read_as_latin_1_is_rejected() -> None:
    assert fault_of("document", "caf\u00ef\u00bf\u00bd") == "lost_character"
    assert fault_of("document", "\u00bfna\u00efve?") is None


def texts(answer: str, document: str = DOCUMENT, question: str = QUESTION) -> RowTexts:
    return {"document": document, "question": question, "answer": answer}


def reason(role: Role, row: RowTexts) -> str | None:
    fault = cell_fault(role, row)
    return fault.reason if fault else None


@pytest.mark.parametrize("marker", [*DATABASE_MARKERS.split(), *SPREADSHEET_ERRORS.split()])
def test_a_cell_that_is_only_a_marker_is_rejected_in_every_column(marker: str) -> None:
    assert reason("answer", texts(marker)) == "placeholder"
    assert reason("answer", texts(f' "{marker}" ')) == "placeholder"
    assert reason("question", texts("It.", question=marker)) == "placeholder"
    assert reason("document", texts("It.", document=f"{marker}\n")) == "placeholder"


@pytest.mark.parametrize(
    ("answer", "document", "question"),
    [
        pytest.param("NULL", "COALESCE returns NULL if all values are NULL.", QUESTION, id="null in the document"),
        pytest.param("NULL", DOCUMENT, "Which is it: NULL or 0?", id="null in the question"),
        pytest.param("#N/A", "VLOOKUP returns #N/A if it finds nothing.", QUESTION, id="error in the document"),
        pytest.param("None", "The gateway is free of charge.", "What does it cost?", id="none, nothing to pay"),
        pytest.param("None", "There are no charges.", "Which charges are there?", id="none, negation"),
        pytest.param("None", DOCUMENT, "Are there any limits?", id="none, question with any"),
        pytest.param("None.", DOCUMENT, QUESTION, id="none as a sentence"),
        pytest.param("N/A", "The limit is not applicable to S3.", QUESTION, id="not applicable"),
        pytest.param("TBD", "The date is not yet decided.", QUESTION, id="to be decided"),
        pytest.param("k. A.", "Die Größe ist nicht bekannt.", "Wie groß ist es?", id="keine Angabe"),
        pytest.param("n.v.t.", "Dit is niet van toepassing.", "Hoe groot?", id="niet van toepassing"),
        pytest.param("-", "Separate the words with a hyphen.", "With which character?", id="a dash is meant"),
        pytest.param("nan", "float('nan') is written nan.", QUESTION, id="nan in the document"),
    ],
)
def test_an_answer_that_is_a_marker_is_accepted_if_the_row_supports_it(
    answer: str, document: str, question: str
) -> None:
    assert reason("answer", texts(answer, document, question)) is None


@pytest.mark.parametrize(
    "answer",
    [
        "NaN",
        "No",
        "0",
        "Nothing",
        "Na",
        "C#",
        "#1",
        "#hashtag",
        "#wow!",
        "[removed by the editor]",
        "#include",
        "/",
        "?",
        "...",
        "N",
        "Nil desperandum",
        "1.5",
    ],
)
def test_short_answers_that_are_text_are_accepted(answer: str) -> None:
    assert reason("answer", texts(answer)) is None


@pytest.mark.parametrize("role", ["document", "question", "answer"])
def test_a_lost_character_is_rejected_in_every_column(role: Role) -> None:
    row = texts("It.")
    row[role] = "caf\ufffd"
    fault = cell_fault(role, row)
    assert fault is not None
    assert (fault.reason, fault.column) == ("lost_character", role)
    assert f"the {role} contains U+FFFD" in fault.message


def row_reason(raw: str) -> str | None:
    document, question, answer = next(csv.reader([raw]))
    fault = row_fault(texts(answer, document, question), raw)
    return fault.reason if fault else None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("# a, b, c", "comment_row"),
        ("#doc,question,answer", "comment_row"),
        ("# Generated by export, 2024-01-01, v1", "comment_row"),
        ("# exported by the job, on Monday at noon by the data team, for the training of the model", "comment_row"),
        ("// a, b, c", "comment_row"),
        ("-- a,b,c", "comment_row"),
        ("; old,x,y", "comment_row"),
        ("Total,8,100%", "total_row"),
        ("Grand Total,8,8", "total_row"),
        ('Sum,"1,000",$5.00', "total_row"),
        ("TOTAL: ,8,100", "total_row"),
        ("Total (8 rows),8,8", "total_row"),
        ("8,Total,100%", "total_row"),
        ("Average,3.5,7", "total_row"),
        ("Summe,8,100 %", "total_row"),
        ("Итого,8,100%", "total_row"),
        ("合計,8,100%", "total_row"),
        ("'a','b?','c'", "single_quotes"),
        ("\ufeffa,b?,c", "byte_order_mark"),
        ("# EC2 is a VM,What is EC2?,A VM", None),
        ("# EC2 is a VM,Explain in detail what this is,It is a virtual machine", None),
        ("#1 is best,Which is best?,#1", None),
        ("-1 is negative,Is -1 negative?,Yes", None),
        ("Total cost is 5,What is it?,5", None),
        ("Total,What is the total?,8", None),
        ("Total,8 what?,100%", None),
        ("8,How many in total?,Total 8", None),
        ("Average,Define the mean,sum over n", None),
        ("'tis the season,What is it?,'tis", None),
        ('"# set x\nx = 1",Value of x,1', None),
    ],
)
def test_comments_and_totals_are_rejected_and_rows_that_resemble_them_are_not(raw: str, expected: str | None) -> None:
    assert row_reason(raw) == expected
