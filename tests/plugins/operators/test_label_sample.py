from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import InputError
from include.distill.core.storage import read_json, read_jsonl, write_json
from include.distill.labeling.formula_escapes import escape_formulas
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER
from tests.plugins.labeled_run import HOSTILE


class TestDraw:
    def test_by_default_the_sample_compares_the_arms_in_the_headline_of_the_newest_run(
        self, draw: Any, store: MemoryStore
    ) -> None:
        manifest = draw()
        assert (manifest["run_uri"], manifest["candidate"], manifest["baseline"]) == (FOLDER.uri, "tuned", "base")
        assert manifest["sheet_uri"] == f"{FOLDER.uri}/report/label_sample/tuned--base/sheet.csv"
        assert manifest["examples"] == 3

    def test_the_sheet_does_not_say_which_arm_gave_an_answer(self, draw: Any, store: MemoryStore) -> None:
        sheet = store.read(draw(how="write the sheet only")["sheet_uri"])
        assert b"tuned" not in sheet.replace(escape_formulas(f"{HOSTILE} tuned").encode(), b"")

    def test_drawing_a_smaller_sample_does_not_shorten_the_answer_key_of_a_larger_sample(
        self, draw: Any, store: MemoryStore
    ) -> None:
        larger = draw(examples=4)
        before = read_jsonl(store, larger["key_uri"], dict)
        assert (draw(examples=1)["examples"], len(before)) == (1, 4)
        assert read_jsonl(store, larger["key_uri"], dict) == before

    def test_a_filled_in_sheet_is_not_overwritten(self, draw: Any, store: MemoryStore) -> None:
        uri = draw(how="write the sheet only")["sheet_uri"]
        filled_in = store.read(uri).replace(b",\r\n", b",B\r\n")
        store.write(uri, filled_in)
        for how in ("write the sheet only", "ask in Airflow"):
            draw(how=how)
        assert store.read(uri) == filled_in
        assert b",B\r\n" in filled_in

    @pytest.mark.parametrize(
        ("params", "reason"),
        [
            pytest.param({"run_key": "no-such-run"}, "no-such-run of aws_docs_qa has no report", id="run"),
            pytest.param({"candidate": "few", "baseline": "base"}, "its comparisons: tuned with base", id="pair"),
            pytest.param({"hours": 0}, "hours", id="form"),
        ],
    )
    def test_a_sample_that_cannot_be_drawn_is_an_error_with_the_reason(
        self, draw: Any, params: dict[str, Any], reason: str
    ) -> None:
        with pytest.raises(InputError, match=reason):
            draw(**params)

    def test_a_use_case_without_a_report_has_nothing_to_label(self, draw: Any, store: MemoryStore) -> None:
        for uri in store.list(f"{FOLDER.root}/reports/"):
            store.delete(uri)
        with pytest.raises(InputError, match="no run with a report") as raised:
            draw()
        assert raised.value.to_do == (
            "Trigger distill_aws_docs_qa and wait until its task report has succeeded. Then clear draw_sample with"
            " downstream. The form can stay as it is."
        )

    def test_a_run_without_comparisons_has_nothing_to_label(self, draw: Any, store: MemoryStore) -> None:
        report = read_json(store, FOLDER.report("json"), dict)
        write_json(store, FOLDER.report("json"), {**report, "comparisons": []})
        with pytest.raises(InputError, match=r"(?s)compared no arms.* 'Run' \(run_key\)"):
            draw()
