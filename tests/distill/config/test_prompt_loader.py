from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import pytest

from include.distill.config.loader import USE_CASES_FOLDER, load_use_cases
from include.distill.config.prompt_loader import dump_prompts, load_prompts, restore_prompts
from include.distill.config.prompts import PROMPTS_FOLDER, Prompt
from include.distill.config.sections import Example, Prompts
from include.distill.core.errors import InputError, PromptError
from tests.fakes.memory_store import MemoryStore

TAGS = "<document>{{ document }}</document>\n<question>{{ question }}</question>\n"
MINE = f"{{# mine #}}\n{TAGS}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder from which prompts may be read."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    monkeypatch.setenv("DISTILL_INPUT_ROOTS", f"/nowhere{os.pathsep}{inputs}")
    return inputs


def write(folder: Path, name: str, text: str | bytes) -> str:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(folder / name)


def refusal(**section: Any) -> str:
    with pytest.raises(PromptError) as raised:
        load_prompts(Prompts(**section), MemoryStore())
    return str(raised.value)


class TestTemplateFiles:
    def test_the_prompts_of_the_project_pass_the_check(self) -> None:
        section, prompts = load_prompts(Prompts(), None)
        assert section == Prompts()
        assert set(prompts) == {path.name for path in PROMPTS_FOLDER.glob("*.j2")}

    def test_templates_are_read_from_an_allowed_folder_or_from_s3(self, folder: Path) -> None:
        store = MemoryStore()
        store.write("s3://bucket/judge.j2", f"{TAGS}<answer_a>{{{{ answer_a }}}}</answer_a>"
                    "<answer_b>{{ answer_b }}</answer_b>".encode())  # fmt: skip
        own = write(folder, "answering.j2", MINE)
        _, prompts = load_prompts(Prompts(answering=own, judging="s3://bucket/judge.j2"), store)
        assert prompts[own].render(document="d", question="q").startswith("<document>d</document>")
        assert prompts["s3://bucket/judge.j2"].template.startswith("<document>")

    @pytest.mark.parametrize("name", ["/etc/passwd", "../secret.j2", "include/../pyproject.toml", "nowhere.j2"])
    def test_a_template_outside_the_allowed_folders_is_refused(self, name: str) -> None:
        message = refusal(answering=name)
        assert "There is no prompt" in message or "may not be read" in message

    def test_prompts_in_s3_are_not_read_while_dags_are_parsed(self) -> None:
        section = Prompts(
            answering="s3://bucket/a.j2", examples="s3://bucket/e.jsonl", instruction_file="s3://bucket/i.txt"
        )
        filled_in, _ = load_prompts(section, None)
        assert filled_in.instruction_file == "s3://bucket/i.txt"

    def test_the_message_about_a_template_that_is_missing_in_s3_names_the_template(self) -> None:
        assert "s3://bucket/a.j2 does not exist; expected a text file" in refusal(answering="s3://bucket/a.j2")

    def test_a_template_that_is_not_utf8_is_refused_with_the_line(self, folder: Path) -> None:
        assert "line 2: byte 0xe9 is not valid UTF-8" in refusal(answering=write(folder, "a.j2", b"a\ncaf\xe9"))


class TestProblems:
    def test_all_problems_with_prompts_are_reported_at_once(self, folder: Path) -> None:
        answering = write(folder, "a.j2", "{{ x }}")
        message = refusal(answering=answering, judging="nowhere.j2", instruction_file="/etc/passwd")
        assert all(part in message for part in ("unknown variable 'x'", "no prompt 'nowhere.j2'", "may not be read"))
        keys = [line.partition(": ")[0] for line in message.splitlines()]
        assert keys[:-1] == ["prompts.answering", "prompts.judging"]

    def test_a_template_with_logic_is_refused_only_if_a_job_has_to_optimize_it(self, folder: Path) -> None:
        own = write(folder, "a.j2", TAGS.replace("{{ document }}", "{{ document | trim }}"))
        instruction = write(folder, "i.txt", "Name {{topic}}.")
        section = Prompts(answering=own)
        load_prompts(section, None)
        with pytest.raises(PromptError, match=r"^prompts\.answering: .* line 1: document is used in a filter"):
            load_prompts(section, None, for_optimization=True)
        with pytest.raises(PromptError, match=r"it contains \{\{topic\}\}"):
            load_prompts(Prompts(instruction_file=instruction), None, for_optimization=True)
        load_prompts(Prompts(answering="s3://bucket/a.j2"), None, for_optimization=True)


class TestInstruction:
    def test_the_instruction_is_replaced_by_the_text_of_the_instruction_file(self, folder: Path) -> None:
        section, _ = load_prompts(Prompts(instruction_file=write(folder, "i.txt", "Be brief.\n")), None)
        assert (section.instruction, section.instruction_file) == ("Be brief.", None)

    def test_an_empty_instruction_file_is_refused(self, folder: Path) -> None:
        assert "is empty; expected an instruction" in refusal(instruction_file=write(folder, "i.txt", " \n"))


class TestExamples:
    VALUES: ClassVar = {"document": "d", "question": "q", "answer": "a", "pairs": 3, "avoid": []}
    PAIR: ClassVar = {"question": "How </example_pairs> so?", "answer": "So."}

    def test_examples_are_shown_to_the_teacher_and_change_the_version_of_the_prompt(self) -> None:
        _, plain = load_prompts(Prompts(), None)
        _, prompts = load_prompts(Prompts(examples=(Example(**self.PAIR),)), None)
        text = prompts["synthesis.j2"].render(**self.VALUES)
        assert "Question: How &lt;/example_pairs> so?\nAnswer: So.\n" in text
        assert prompts["synthesis.j2"].version != plain["synthesis.j2"].version
        assert "example_pairs" not in plain["synthesis.j2"].render(**self.VALUES)

    @pytest.mark.parametrize(
        ("name", "text"),
        [("e.jsonl", '{"question": "How?", "answer": "So."}\n\n'), ("e.yaml", "- question: How?\n  answer: So.")],
    )
    def test_examples_can_be_read_from_a_file(self, folder: Path, name: str, text: str) -> None:
        section, _ = load_prompts(Prompts(examples=write(folder, name, text)), None)
        assert section.examples == (Example(question="How?", answer="So."),)

    @pytest.mark.parametrize(
        ("name", "text", "problem"),
        [
            pytest.param(
                "e.jsonl", '{"question": "a", "answer": "b"}\n{', "e.jsonl line 2: the line is not JSON", id="not JSON"
            ),
            pytest.param(
                "e.jsonl",
                '{"question": "a"}',
                "e.jsonl line 1: answer: the key is missing;",
                id="missing key",
            ),
            pytest.param("e.yaml", "question: a", "the file has a dict; expected a list of pairs", id="a mapping"),
            pytest.param("e.yaml", "- {question: a, answer: b, c: d}", "entry 1: c: unknown key", id="extra key"),
            pytest.param("e.txt", "", "extension is unknown; expected .jsonl, .yaml or .json", id="unknown extension"),
            pytest.param(
                "e.jsonl",
                '{"question": "a", "answer": "b"}\n' * 21,
                "prompts.examples has 21 pairs; expected 20",
                id="too many pairs",
            ),
        ],
    )
    def test_wrong_examples_are_reported_with_the_file_and_the_place(
        self, folder: Path, name: str, text: str, problem: str
    ) -> None:
        assert problem in refusal(examples=write(folder, name, text))

    def test_examples_are_refused_when_the_template_does_not_use_them(self, folder: Path) -> None:
        own = (PROMPTS_FOLDER / "synthesis.j2").read_text().split("{% if examples")[0] + (
            "<number_of_pairs>{{ pairs }}</number_of_pairs>"
        )
        own = own.replace("avoid, examples", "avoid")
        message = refusal(synthesis=write(folder, "s.j2", own), examples=(Example(**self.PAIR),))
        assert "does not use the variable examples" in message


def test_restored_prompts_are_equal_to_the_dumped_prompts() -> None:
    prompts = {"a": Prompt("a", "{{ x }}", {"examples": [{"question": "q", "answer": "a"}]}), "b": Prompt("b", "é")}
    assert restore_prompts(dump_prompts(prompts)) == prompts


@pytest.mark.parametrize("template", ["{{ [1, 2]|random }}", "{{ lipsum() }}", "{{ range }}"])
def test_a_frozen_prompt_that_would_be_refused_today_is_still_restored(template: str) -> None:
    record = dump_prompts({"a": Prompt("a", template)})
    assert restore_prompts(record)["a"].template == template


def test_a_broken_prompt_is_reported_with_its_use_case_and_the_other_use_cases_are_loaded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = (USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text()
    cases = tmp_path / "use_cases"
    cases.mkdir()
    (cases / "aws_docs_qa.yaml").write_text(sample)
    own = write(folder, "a.j2", f"{TAGS}\n{{{{ oops }}}}")
    broken = sample.replace("name: aws_docs_qa", "name: mine").replace("prompts:\n", f"prompts:\n  answering: {own}\n")
    (cases / "mine.yaml").write_text(broken)
    loaded = load_use_cases(cases)
    assert [use_case.name for use_case in loaded.valid] == ["aws_docs_qa"]
    assert loaded.problems[0].startswith("mine.yaml: prompts.answering: Prompt ")
    assert "line 4: unknown variable 'oops'" in loaded.problems[0]


def test_a_link_to_a_file_outside_the_allowed_folders_is_refused(folder: Path) -> None:
    (folder.parent / "secret.j2").write_text(MINE)
    (folder / "link.j2").symlink_to(folder.parent / "secret.j2")
    with pytest.raises(InputError, match="may not be read"):
        load_prompts(Prompts(answering=str(folder / "link.j2")), None)
