"""Follow the examples on the page about optimized prompts."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
import yaml

from include.distill.config.placeholders import fill, template_problem
from include.distill.config.prompt_loader import load_prompts
from include.distill.config.sections import Prompts
from include.distill.core.errors import PromptError
from include.distill.inference.student import Student
from tests.distill.conftest import make_row, make_use_case
from tests.docs.pages import page

TEXT = page("how-to/compare_prompts.md")


def example(language: str, section: str) -> str:
    """Return the first example in a language of a section, without its indentation."""
    start = TEXT.index(section)
    found = re.search(rf"\n *```{language}\n(.*?)\n *```", TEXT[start:], re.DOTALL)
    assert found
    return textwrap.dedent(found[1])


class TestOptimizedPromptAsYourOwn:
    SECTION = "## Use the optimized prompt as your own"

    @pytest.fixture(autouse=True)
    def _folder_of_prompts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DISTILL_INPUT_ROOTS", str(tmp_path))
        self.file = tmp_path / "optimized_answering.j2"

    def load(self, text: str) -> Student:
        self.file.write_text(text, encoding="utf-8")
        raw = yaml.safe_load(example("yaml", self.SECTION))["prompts"]
        assert raw["answering"] == self.file.name
        section, prompts = load_prompts(Prompts(**raw | {"answering": str(self.file)}), None, for_optimization=True)
        return Student.from_use_case(make_use_case(prompts=section.model_dump()), prompts)

    def test_the_copied_text_can_be_filled_in_but_is_no_prompt_file(self) -> None:
        copied = example("text", self.SECTION)
        assert template_problem(copied) is None
        with pytest.raises(PromptError, match="line 5: expected token 'end of print statement'"):
            self.load(copied)
        with pytest.raises(PromptError, match="no <document> around"):
            self.load(copied.replace('{{"answer": null}}', '{ {"answer": null} }'))

    def test_after_the_steps_the_student_gets_the_text_once(self) -> None:
        request = self.load(example("jinja", self.SECTION)).request(make_row(document="Doc.", question="Why?"))
        asked = f"{request.system}\n\n{request.user}"
        expected = fill(
            example("text", self.SECTION)
            .replace("Read the {{document}}", "Read the document")
            .replace("{{document}}", "<document>{{document}}</document>")
            .replace("{{question}}", "<question>{{question}}</question>")
            .replace('{{"answer": null}}', '{ {"answer": null} }'),
            "Doc.",
            "Why?",
        )
        assert asked == expected


def test_the_example_of_a_judge_is_accepted_and_states_a_scale() -> None:
    section = yaml.safe_load(example("yaml", "Your own request to the judge must state the scale"))
    settings = make_use_case(**section).prompt_optimization
    assert settings.judge
    assert "on a scale from 0 to 3. A higher number is better" in settings.judge.instructions
