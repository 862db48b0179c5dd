from __future__ import annotations

import datetime
import re
from typing import Any

import pytest

from bedrock_distill.operators import label_ask as module
from bedrock_distill.operators.label_ask import AskLabelOperator, ListExamplesOperator


class TestListExamples:
    @pytest.mark.parametrize(("how", "asked"), [("ask in Airflow", [0, 1, 2]), ("write the sheet only", [])])
    def test_airflow_asks_people_only_if_the_form_says_so(
        self, draw: Any, context: Any, how: str, asked: list[int]
    ) -> None:
        assert ListExamplesOperator(task_id="examples", sample=draw(how=how)).execute(context) == asked


class TestAsk:
    @pytest.fixture
    def ask(self, equip: Any, draw: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr(module.HITLOperator, "execute", lambda self, context: (self.subject, self.body))
        return equip(AskLabelOperator(task_id="ask", number=1, sample=draw(hours=2), use_case_name="aws_docs_qa"))

    def test_a_question_that_is_not_answered_in_time_gets_the_choice_no_answer(self, ask: Any, context: Any) -> None:
        subject, _ = ask.execute(context)
        assert subject == "Example 2 of 3: which answer is better?"
        assert (ask.defaults, ask.options) == (["No answer"], ["A", "B", "Tie", "No answer"])
        assert ask.response_timeout == datetime.timedelta(hours=2)

    def test_the_text_of_a_model_is_never_a_template_and_contains_no_markup(self, ask: Any, context: Any) -> None:
        _, body = ask.execute(context)
        assert not {"subject", "body"} & set(AskLabelOperator.template_fields)
        assert "<script" not in body
        model_lines = [line for line in body.splitlines() if "script" in line or "chose" in line or "cmd" in line]
        assert len(model_lines) == 6
        assert not any(re.search(r"(?<!\\)[<{`*_#>]", line) for line in model_lines)
