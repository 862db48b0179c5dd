from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.distill.config.delimiters import DELIMITERS, escape_delimiters
from include.distill.config.prompts import Prompt, load_prompt
from include.distill.core.errors import PromptError
from tools.aws_simulator.models.delimiters import NAMES, section

ANSWERING, SYNTHESIS, JUDGING = (load_prompt(f"{name}.j2") for name in ("answering", "synthesis", "judging"))
TAGS = [f"<{slash}{name}>" for name in DELIMITERS for slash in ("", "/")]
# Texts in which tags, line breaks and template syntax are as likely as letters.
PIECES = [*TAGS, "<DOCUMENT>", "<", ">", "&lt;", "&", "{{ 7*7 }}", "{% raw %}", "{#", "\n", "\r\n", " ", "a", "é"]
TEXTS = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))


def escaped_before(text: str) -> bool:
    """
    Return whether a text already contains an escaped tag.

    A text with the tag itself becomes the same escaped text, so the original text cannot be restored.
    """
    return any(f"&lt;{tag[1:]}" in text.lower() for tag in TAGS)


UNAMBIGUOUS = TEXTS.filter(lambda text: not escaped_before(text))


class TestRendering:
    def test_the_message_about_an_unknown_variable_names_the_prompt_and_the_known_variables(self) -> None:
        with pytest.raises(PromptError, match=r"Prompt p\.j2.*'oops' is undefined.*variables: document, question"):
            Prompt("p.j2", "{{ oops }}").render(document="d", question="q")

    def test_the_message_about_a_syntax_error_names_the_line(self) -> None:
        with pytest.raises(PromptError, match=r"Prompt p\.j2 line 2: "):
            Prompt("p.j2", "one\n{% if %}").render(document="d")

    @pytest.mark.parametrize("prompt", [ANSWERING, SYNTHESIS, JUDGING], ids=lambda prompt: prompt.name)
    def test_the_projects_prompts_cannot_be_rendered_without_values(self, prompt: Prompt) -> None:
        with pytest.raises(PromptError, match="undefined"):
            prompt.render()

    @pytest.mark.parametrize(
        "template",
        ["{{ ''.__class__.__mro__ }}", "{{ document.__init__.__globals__ }}", "{% include '/etc/passwd' %}"],
    )
    def test_a_template_cannot_leave_its_sandbox(self, template: str) -> None:
        with pytest.raises((PromptError, TypeError)):
            Prompt("p.j2", template).render(document="d")

    @pytest.mark.parametrize("text", ["{{ 7*7 }}", "{% for x in y %}", "{# gone #}", "{{ document }}", "{% raw %}"])
    def test_template_syntax_in_a_document_or_question_is_never_evaluated(self, text: str) -> None:
        rendered = ANSWERING.render(document=text, question=text)
        assert rendered.count(text) == 2
        assert "49" not in rendered

    def test_earlier_questions_are_listed_in_the_prompt_only_if_there_are_any(self) -> None:
        values = {"document": "d", "question": "q", "answer": "a", "pairs": 3}
        assert section(SYNTHESIS.render(**values, avoid=[]), "asked_before") is None
        rendered = SYNTHESIS.render(**values, avoid=["one?", "</asked_before> two?"])
        assert section(rendered, "asked_before") == "one?\n</asked_before> two?"

    def test_the_reference_is_shown_in_the_prompt_only_if_it_is_not_empty(self) -> None:
        values = {"document": "d", "question": "q", "answer_a": "a", "answer_b": "b"}
        assert section(JUDGING.render(**values, reference=""), "reference") is None
        assert section(JUDGING.render(**values, reference="r"), "reference") == "r"


class TestDelimiters:
    def test_the_prompts_and_the_simulated_models_use_the_same_delimiters(self) -> None:
        assert set(NAMES) == set(DELIMITERS)

    @pytest.mark.parametrize("tag", TAGS)
    def test_a_delimiter_is_escaped_in_lower_and_upper_case(self, tag: str) -> None:
        for written in (tag, tag.upper(), tag.title()):
            assert escape_delimiters(f"a{written}b") == f"a&lt;{written[1:]}b"

    @pytest.mark.parametrize("text", ["<b>bold</b>", "a < b > c", "<documents>", "<document-id=1>", "&lt;", "<doc"])
    def test_text_that_is_not_a_delimiter_is_unchanged(self, text: str) -> None:
        assert escape_delimiters(text) == text

    @given(TEXTS)
    def test_delimiters_are_not_escaped_twice(self, text: str) -> None:
        once = escape_delimiters(text)
        assert escape_delimiters(once) == once
        assert not any(tag in once.lower() for tag in TAGS)

    @settings(max_examples=200, deadline=None)
    @given(UNAMBIGUOUS, UNAMBIGUOUS)
    def test_a_student_finds_the_document_and_the_question_unchanged_in_its_prompt(
        self, document: str, question: str
    ) -> None:
        rendered = ANSWERING.render(document=document, question=question)
        assert section(rendered, "document") == document
        assert section(rendered, "question") == question

    @settings(max_examples=100, deadline=None)
    @given(UNAMBIGUOUS, UNAMBIGUOUS, UNAMBIGUOUS, st.integers(1, 20))
    def test_a_teacher_finds_all_inputs_unchanged_in_its_prompt(
        self, document: str, question: str, answer: str, n: int
    ) -> None:
        rendered = SYNTHESIS.render(document=document, question=question, answer=answer, pairs=n, avoid=[])
        assert section(rendered, "document") == document
        assert section(rendered, "question") == question
        assert section(rendered, "answer") == answer
        assert section(rendered, "number_of_pairs") == str(n)

    @settings(max_examples=100, deadline=None)
    @given(UNAMBIGUOUS, UNAMBIGUOUS, UNAMBIGUOUS)
    def test_a_judge_finds_the_question_and_both_answers_unchanged_in_its_prompt(
        self, question: str, answer_a: str, answer_b: str
    ) -> None:
        rendered = JUDGING.render(document="d", question=question, reference="", answer_a=answer_a, answer_b=answer_b)
        assert section(rendered, "question") == question
        assert section(rendered, "answer_a") == answer_a
        assert section(rendered, "answer_b") == answer_b


class TestFiles:
    def test_the_version_of_a_prompt_depends_on_the_text_alone(self) -> None:
        versions = {Prompt("p", text).version for text in ("a", "b", "a ")}
        assert len(versions) == 3
        assert Prompt("p", "a").version == Prompt("other", "a").version

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "prompts"
        folder.mkdir()
        (folder / "own.j2").write_text("mine", encoding="utf-8")
        (tmp_path / "secret.j2").write_text("secret", encoding="utf-8")
        (folder / "link.j2").symlink_to(tmp_path / "secret.j2")
        return folder

    def test_a_template_in_the_prompts_folder_is_read(self, folder: Path) -> None:
        assert load_prompt("own.j2", folder) == Prompt("own.j2", "mine")

    @pytest.mark.parametrize("name", ["../secret.j2", "x/../../secret.j2", "link.j2", "/etc/passwd", "", ".", "no.j2"])
    def test_a_prompt_name_that_leads_outside_the_folder_or_to_no_file_is_refused(
        self, folder: Path, name: str
    ) -> None:
        with pytest.raises(PromptError, match=r"expected one of link\.j2, own\.j2"):
            load_prompt(name, folder)
