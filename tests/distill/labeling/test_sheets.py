from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.core.errors import InputError
from include.distill.core.storage import Record
from include.distill.labeling.label_store import match_labels
from include.distill.labeling.sheets import (
    SHEET_COLUMNS,
    LabelParams,
    draw_sample,
    escape_formula,
    has_labels,
    key_name,
    labeller_name,
    parse_label_params,
    read_sheet,
    render_sheet,
    to_labels,
)
from include.distill.stats.agreement import MINIMUM_RATED
from include.distill.stats.intervals import wilson_interval
from tests.distill.conftest import make_row

PAIR = ("tuned", "base")
ROWS = [make_row(number) for number in range(60)]
ANSWERS = {arm: {row["row_id"]: f"{arm} on {row['row']}" for row in ROWS} for arm in PAIR}


def sample(examples: int = 20, **changes: Any) -> list[Record]:
    given = {"answers": ANSWERS, "pair": PAIR, "examples": examples, "seed": 7, "run_key": "r", **changes}
    return draw_sample(ROWS, **given)


def answered_anew(*changed: int) -> dict[str, dict[str, str]]:
    """The answers, with those of ``tuned`` to some rows given anew."""
    new = {ROWS[number]["row_id"]: f"a new answer to {number}" for number in changed}
    return {**ANSWERS, "tuned": {**ANSWERS["tuned"], **new}}


def filled(examples: list[Record], labels: list[str]) -> bytes:
    """The sheet as a person sends it back."""
    rows = [[example["example"], label] for example, label in zip(examples, labels, strict=True)]
    return "\r\n".join(",".join(row) for row in [["example", "label"], *rows]).encode()


class TestSample:
    def test_it_is_the_same_each_time_and_a_larger_one_begins_with_it(self) -> None:
        assert sample() == sample()
        assert sample(40)[:20] == sample()
        assert sample(seed=8) != sample()

    def test_either_arm_comes_first_about_as_often(self) -> None:
        first = [example["a"] for example in sample(60)]
        assert 15 < first.count("candidate") < 45
        for example in sample(60):
            shown = {"candidate": "tuned", "baseline": "base"}[example["a"]]
            assert example["answer_a"].startswith(shown)
            assert not example["answer_b"].startswith(shown)

    def test_questions_with_two_equal_answers_are_not_asked(self) -> None:
        same = {**ANSWERS["tuned"], ROWS[0]["row_id"]: ANSWERS["base"][ROWS[0]["row_id"]]}
        drawn = sample(60, answers={**ANSWERS, "tuned": same})
        assert len(drawn) == 59
        assert ROWS[0]["row_id"] not in {example["row_id"] for example in drawn}

    def test_what_the_form_says_of_sizes_is_so(self) -> None:
        said = str(LabelParams.model_fields["examples"].description)
        for agreed, asked in ((35, 50), (70, 100)):
            low, high = wilson_interval(agreed, asked) or (0, 0)
            assert f"{100 * low:.0f} " in said
            assert f"{100 * high:.0f} %" in said

    def test_who_fills_in_all_that_the_form_proposes_has_enough_for_a_kappa(self) -> None:
        assert parse_label_params({"use_case": "docs"}).examples >= MINIMUM_RATED


class TestSheet:
    def test_it_says_nothing_of_whose_an_answer_is(self) -> None:
        answers = {arm: dict.fromkeys(found, f"text {number}") for number, (arm, found) in enumerate(ANSWERS.items())}
        body = render_sheet(sample(answers=answers)).decode("utf-8-sig")
        assert not [word for word in ("tuned", "base", "candidate", "baseline") if word in body]
        assert tuple(next(csv.reader(io.StringIO(body)))) == SHEET_COLUMNS

    @given(st.text("=+-@\t\r\n \uff1d'\"a,1", max_size=8))
    def test_no_cell_is_a_formula(self, text: str) -> None:
        assert escape_formula(text).lstrip(" \x00")[:1] not in set("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
        assert escape_formula(text).endswith(text)

    def test_labels_come_back_as_what_they_mean(self) -> None:
        examples = sample(5)
        labels = read_sheet(filled(examples, ["A", "b", " TIE ", "", "No answer"]), examples, source="s.csv").labels
        found = to_labels(labels, examples, pair=PAIR, labeller="ada", now="2026-11-22T00:00:00+00:00")
        other = {"candidate": "baseline", "baseline": "candidate"}
        assert [label["verdict"] for label in found] == [examples[0]["a"], other[examples[1]["a"]], "tie"]
        assert {label["labeller"] for label in found} == {"ada"}

    def test_a_sheet_that_went_through_a_spreadsheet_is_read_whole(self) -> None:
        examples = sample(3)
        body = render_sheet(examples).decode("utf-8-sig").replace(",\r\n", ",A\r\n")
        assert list(read_sheet(body.encode("utf-8-sig"), examples, source="s.csv").labels.values()) == ["A"] * 3

    @pytest.mark.parametrize(
        ("separator", "line_end", "encoding"),
        [
            pytest.param(",", "\r\n", "utf-8-sig", id="Excel, CSV UTF-8"),
            pytest.param(",", "\r\n", "cp1252", id="Excel, CSV"),
            pytest.param(";", "\r\n", "cp1252", id="Excel where the comma is the decimal point"),
            pytest.param("\t", "\r\n", "utf-16", id="Excel, Unicode text"),
            pytest.param(",", "\r", "mac-roman", id="Excel, CSV Macintosh"),
            pytest.param(",", "\n", "utf-8", id="LibreOffice"),
        ],
    )
    def test_it_is_read_as_spreadsheets_save_it(self, separator: str, line_end: str, encoding: str) -> None:
        examples = sample(3)
        text = io.StringIO(newline="")
        sheet = csv.writer(text, delimiter=separator, lineterminator=line_end)
        sheet.writerow(SHEET_COLUMNS)
        for example, label in zip(examples, "AB ", strict=True):
            sheet.writerow([example["example"], "Déjà “vu”, or; not?", "=d", "a", "", label])
        sheet.writerow([""] * len(SHEET_COLUMNS))  # a row that somebody touched
        labels = read_sheet(text.getvalue().encode(encoding), examples, source="s.csv").labels
        assert list(labels.values()) == ["A", "B", "No answer"]

    def test_rows_and_columns_may_stand_elsewhere_and_rows_may_be_missing(self) -> None:
        examples = sample(3)
        body = f"Label,note,Example\n,,\nTie,why not,{examples[2]['example']}\nb,,{examples[0]['example']}\n"
        labels = read_sheet(body.encode(), examples, source="s.csv").labels
        assert labels == {examples[2]["example"]: "Tie", examples[0]["example"]: "B"}

    @pytest.mark.parametrize(
        ("change", "touched"),
        [
            pytest.param((b"", b""), False, id="as written"),
            pytest.param((b",\r\n", b",A\r\n"), True, id="labelled"),
            pytest.param((b"\xef\xbb\xbf", b"PK\x03\x04"), True, id="something else by now"),
        ],
    )
    def test_a_sheet_that_somebody_worked_on_is_known(self, change: tuple[bytes, bytes], touched: bool) -> None:
        assert has_labels(render_sheet(sample(3)).replace(*change), sample(20)) is touched

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            pytest.param("example,label\n{0},C\n", r"s\.csv line 2, column label: 'c'; expected A, B", id="label"),
            pytest.param(
                "example,label\n9-ffff-f,A\n", r"line 2, column example: '9-ffff-f' is no example", id="stranger"
            ),
            pytest.param("example,label\n009-ffffff,A\n", r"'009-ffffff' does not say which answers", id="older"),
            pytest.param("example,label\n{0},A\n{0},B\n", r"line 3, column example: .* twice", id="twice"),
            pytest.param("example,label\n{0}\n", r"line 2, row: 1 fields, expected 2", id="short row"),
            pytest.param("example,verdict\n{0},A\n", r"expected one column 'label'", id="no such column"),
            pytest.param("example,label\n{0},=1+1\n", r"label: '=1\+1'; expected A, B", id="formula"),
            pytest.param("example|label\n{0}|A\n", r"expected the columns of the sheet, .* vertical bars", id="bars"),
            pytest.param("PK\x03\x04", r"Excel workbook", id="workbook"),
            pytest.param("", r"is empty", id="empty"),
        ],
    )
    def test_what_cannot_be_used_is_named_by_line_and_column(self, text: str, said: str) -> None:
        examples = sample(3)
        with pytest.raises(InputError, match=said):
            read_sheet(text.format(examples[0]["example"]).encode(), examples, source="s.csv")

    def test_a_sheet_of_another_run_is_not_taken(self) -> None:
        with pytest.raises(InputError, match="is no example of this run") as refused:
            read_sheet(filled(sample(40, run_key="other"), ["A"] * 40), sample(), source="s.csv")
        assert "… and 20 more" in str(refused.value)
        assert "A sheet of another run" in str(refused.value)


class TestChangedAnswers:
    def test_a_label_of_a_sheet_counts_only_for_the_answers_on_it(self) -> None:
        examples = sample(60)
        changed = [example["row_id"] for example in examples[:2]]
        numbers = [number for number, row in enumerate(ROWS) if row["row_id"] in changed]
        now = sample(60, answers=answered_anew(*numbers))
        sheet = read_sheet(filled(examples, ["A", "", *["B"] * 58]), now, source="s.csv")
        assert set(sheet.labels) == {example["example"] for example in now[2:]}
        assert (list(sheet.changed.values()), sheet.outdated) == (["A", "No answer"], 1)

    def test_an_example_whose_number_moved_is_the_same_one(self) -> None:
        """Two equal answers leave the sample, and all behind them move up."""
        examples = sample(60)
        row_id = examples[0]["row_id"]
        answers = {**ANSWERS, "tuned": {**ANSWERS["tuned"], row_id: ANSWERS["base"][row_id]}}
        now = sample(60, answers=answers)
        assert now[0]["example"][:4] == "001-"
        sheet = read_sheet(filled(examples, ["A"] * 60), now, source="s.csv")
        assert (set(sheet.labels), sheet.outdated) == ({example["example"] for example in now}, 1)

    def test_an_example_is_twice_in_a_sheet_also_after_its_answers_changed(self) -> None:
        examples, now = sample(60), sample(60, answers=answered_anew(*range(60)))
        twice = [examples[0], examples[0]]
        with pytest.raises(InputError, match="twice"):
            read_sheet(filled(twice, ["A", "B"]), now, source="s.csv")

    def test_a_labelled_sheet_of_older_answers_is_still_somebodys_work(self) -> None:
        now = sample(60, answers=answered_anew(*range(60)))
        assert has_labels(render_sheet(sample(3)).replace(b",\r\n", b",A\r\n"), now)
        assert not has_labels(render_sheet(sample(3)), now)

    def test_a_key_is_shared_only_by_samples_that_show_the_same(self) -> None:
        assert key_name(sample()) == key_name(sample())
        assert len({key_name(sample(60, answers=answered_anew(*changed))) for changed in ((), (1,), (1, 2))}) == 3

    def test_what_is_stored_is_of_the_answers_that_were_shown_whichever_was_a(self) -> None:
        examples = sample(60)
        choices = {example["example"]: "A" for example in examples}
        labels = to_labels(choices, examples, pair=PAIR, labeller="ada", now="2026-11-22T00:00:00+00:00")
        assert {label["verdict"] for label in labels} == {"candidate", "baseline"}
        assert match_labels(labels, ANSWERS).as_record() == {"counted": 60, "changed": 0, "unmarked": 0}
        assert match_labels(labels, answered_anew(0, 7)).as_record() == {"counted": 58, "changed": 2, "unmarked": 0}


class TestLabeller:
    @pytest.mark.parametrize(
        ("user", "name"), [("Ada L.", "ada-l"), ("../../x", "x"), ("é", "somebody"), ("a" * 50, "a" * 40)]
    )
    def test_a_user_is_a_file_name(self, user: str, name: str) -> None:
        assert labeller_name(user) == name


class TestChoice:
    def test_empty_fields_take_their_defaults(self) -> None:
        choice = parse_label_params({"use_case": "docs", "run_key": "", "labeller": None, "examples": 5})
        assert (choice.run_key, choice.labeller, choice.examples) == (None, None, 5)

    @pytest.mark.parametrize(
        ("params", "said"),
        [
            pytest.param({"how": "read a labelled sheet"}, "labeller", id="a sheet of nobody's"),
            pytest.param({"candidate": "a"}, "candidate and baseline", id="half a pair"),
            pytest.param({"run_key": "../x"}, "run_key", id="a path"),
            pytest.param({"labeller": "Ada/.."}, "labeller", id="a labeller that is a path"),
            pytest.param({"examples": 0}, "examples", id="nothing to ask"),
        ],
    )
    def test_refused(self, params: dict[str, Any], said: str) -> None:
        with pytest.raises(InputError, match=said):
            parse_label_params({"use_case": "docs", **params})
