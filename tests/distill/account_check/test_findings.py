from __future__ import annotations

from include.distill.account_check.findings import (
    Finding,
    Result,
    counted,
    counts,
    merged,
    missing,
    not_checked,
    ok,
    summary,
    table,
    warning,
)

POOL = missing("pool p", "The pool does not exist", 'airflow pools set p 8 "calls | answers"')


def test_a_finding_of_several_use_cases_is_listed_once_with_their_names() -> None:
    (finding,) = merged([("one", POOL), ("two", POOL), ("one", POOL)])
    assert (finding.check, finding.use_cases) == ("pool p", ("one", "two"))


def test_the_worst_results_come_first_and_a_finding_without_a_use_case_belongs_to_all() -> None:
    made = [ok("a"), not_checked("b", "x"), Finding("c", Result.NOT_PERMITTED), warning("d", "x"), missing("e", "x")]
    found = merged([("", finding) for finding in made])
    assert [finding.check for finding in found] == ["e", "d", "c", "b", "a"]
    assert found[0].use_cases == ()


def test_the_table_has_the_exact_line_to_add_and_lists_what_is_ok_below() -> None:
    lines = table(merged([("one", ok("model m", "active")), ("one", POOL)]))
    assert lines[0] == "| check | result | what was found | exact line to add | use cases |"
    assert lines[2] == (
        '| pool p | MISSING | The pool does not exist | airflow pools set p 8 "calls \\| answers" | one |'
    )
    assert lines[3:] == ["ok: model m: active (one)"]


def test_a_cell_of_several_lines_is_written_in_one() -> None:
    assert "| first second |" in table([warning("c", "first\n  second")])[2]


def test_without_a_problem_the_table_says_so() -> None:
    assert table([ok("model m")]) == ["Nothing is missing.", "ok: model m"]


def test_the_result_of_the_task_counts_each_result() -> None:
    found = [POOL, warning("w", ""), ok("a"), ok("b"), not_checked("n", ""), Finding("p", Result.NOT_PERMITTED)]
    manifest = counts(found, use_cases=2)
    assert manifest == {
        "use_cases": 2,
        "ok": 2,
        "missing": 1,
        "warning": 1,
        "not_permitted": 1,
        "not_checked": 1,
    }
    assert summary(manifest) == (
        "Checked 2 use cases: 1 missing, 1 warning, 1 not permitted to check, 1 not checked, 2 ok. Nothing was bought"
        " or changed."
    )


def test_one_is_written_in_the_singular() -> None:
    assert [counted(number, "use case") for number in (0, 1, 2)] == ["0 use cases", "1 use case", "2 use cases"]
