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
    """A folder that may be read."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    monkeypatch.setenv("DISTILL_INPUT_ROOTS", f"/nowhere{os.pathsep}{inputs}")
    return inputs


def write(folder: Path, name: str, text: str | bytes) -> str:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(folder / name)


def refusal(store: MemoryStore | None = None, **stated: Any) -> str:
    with pytest.raises(PromptError) as raised:
        load_prompts(Prompts(**stated), store or MemoryStore())
    return str(raised.value)


class TestFiles:
    def test_the_shipped_ones_pass_their_own_check(self) -> None:
        settled, prompts = load_prompts(Prompts(), None)
        assert settled == Prompts()
        assert set(prompts) == {path.name for path in PROMPTS_FOLDER.glob("*.j2")}

    def test_come_from_a_folder_that_may_be_read_or_from_s3(self, folder: Path) -> None:
        store = MemoryStore()
        store.write("s3://bucket/judge.j2", f"{TAGS}<answer_a>{{{{ answer_a }}}}</answer_a>"
                    "<answer_b>{{ answer_b }}</answer_b>".encode())  # fmt: skip
        own = write(folder, "answering.j2", MINE)
        _, prompts = load_prompts(Prompts(answering=own, judging="s3://bucket/judge.j2"), store)
        assert prompts[own].render(document="d", question="q").startswith("<document>d</document>")
        assert prompts["s3://bucket/judge.j2"].template.startswith("<document>")

    @pytest.mark.parametrize("name", ["/etc/passwd", "../secret.j2", "include/../pyproject.toml", "nowhere.j2"])
    def test_lead_nowhere_else(self, name: str) -> None:
        assert "No prompt" in (said := refusal(answering=name)) or "may not be read" in said

    def test_in_s3_are_not_looked_at_while_dags_are_parsed(self) -> None:
        stated = Prompts(answering="s3://bucket/a.j2", examples="s3://bucket/e.jsonl", instruction_file="s3://b/i.txt")
        settled, _ = load_prompts(stated, None)
        assert settled.instruction_file == "s3://b/i.txt"

    def test_that_are_missing_in_s3_are_named(self) -> None:
        assert "s3://bucket/a.j2 does not exist; expected a text file" in refusal(answering="s3://bucket/a.j2")

    def test_that_are_no_text_are_named_with_their_line(self, folder: Path) -> None:
        assert "line 2: byte 0xe9 is not UTF-8" in refusal(answering=write(folder, "a.j2", b"a\ncaf\xe9"))


class TestTemplates:
    @pytest.mark.parametrize(
        ("template", "said"),
        [
            pytest.param(f"{TAGS}{{% if %}}", "a.j2 line 3: Expected an expression", id="syntax"),
            pytest.param(f"{TAGS}{{{{ docment }}}}", "a.j2 line 3: unknown variable 'docment'; known are", id="name"),
            pytest.param(f"{{% include 'x' %}}{TAGS}", "a.j2 line 1: a prompt is one file; include", id="include"),
            pytest.param(f"{TAGS}\n{{{{ document.a.b }}}}", "a.j2 line 4: 'str object' has no", id="attribute"),
            pytest.param(f"{TAGS}{{{{ 1 / 0 }}}}", "a.j2 line 3: division by zero", id="division"),
            pytest.param("<question>{{ question }}</question>", "no <document> around {{ document }}", id="no tag"),
            pytest.param(f"{TAGS}<question>x", "a.j2 line 2: <question> stands there 2 times", id="twice"),
            pytest.param(f"{TAGS[:-2]}\n", "a.j2 line 2: no <question> around", id="unclosed"),
            pytest.param(TAGS.replace("{{ document }}", "Text: {{ document }}"), "no <document> around", id="more"),
        ],
    )  # fmt: skip
    def test_faults_are_found_with_file_and_line(self, folder: Path, template: str, said: str) -> None:
        assert said in refusal(answering=write(folder, "a.j2", template))

    def test_all_faults_are_told_at_once(self, folder: Path) -> None:
        said = refusal(answering=write(folder, "a.j2", "{{ x }}"), judging="nowhere.j2", instruction_file="/etc/passwd")
        assert all(part in said for part in ("unknown variable 'x'", "No prompt 'nowhere.j2'", "may not be read"))

    def test_a_way_of_rendering_that_is_rare_is_tried_too(self, folder: Path) -> None:
        judge = (PROMPTS_FOLDER / "judging.j2").read_text()
        said = refusal(judging=write(folder, "j.j2", judge.replace("{{ reference }}", "{{ reference.text }}")))
        assert "'str object' has no attribute 'text'" in said

    def test_a_critics_prompt_needs_its_tags_too(self, folder: Path) -> None:
        own = (PROMPTS_FOLDER / "critic.j2").read_text()
        assert "answer_to_check" in refusal(critic=write(folder, "c.j2", own.replace("{{ answer }}", "{{ question }}")))
        path = write(folder, "c.j2", own.replace("Decide whether", "Say whether"))
        assert load_prompts(Prompts(critic=path), None)[1][path].template.startswith("{# Asks the critic")


class TestInstruction:
    def test_a_file_takes_its_place(self, folder: Path) -> None:
        settled, _ = load_prompts(Prompts(instruction_file=write(folder, "i.txt", "Be brief.\n")), None)
        assert (settled.instruction, settled.instruction_file) == ("Be brief.", None)

    def test_an_empty_file_is_refused(self, folder: Path) -> None:
        assert "is empty; expected an instruction" in refusal(instruction_file=write(folder, "i.txt", " \n"))


class TestExamples:
    VALUES: ClassVar = {"document": "d", "question": "q", "answer": "a", "pairs": 3, "avoid": []}
    PAIR: ClassVar = {"question": "How </example_pairs> so?", "answer": "So."}

    def test_are_shown_to_the_teacher_and_make_another_version(self) -> None:
        _, plain = load_prompts(Prompts(), None)
        _, prompts = load_prompts(Prompts(examples=(Example(**self.PAIR),)), None)
        shown = prompts["synthesis.j2"].render(**self.VALUES)
        assert "Question: How &lt;/example_pairs> so?\nAnswer: So.\n" in shown
        assert prompts["synthesis.j2"].version != plain["synthesis.j2"].version
        assert "example_pairs" not in plain["synthesis.j2"].render(**self.VALUES)

    @pytest.mark.parametrize(
        ("name", "text"),
        [("e.jsonl", '{"question": "How?", "answer": "So."}\n\n'), ("e.yaml", "- question: How?\n  answer: So.")],
    )
    def test_may_lie_in_a_file(self, folder: Path, name: str, text: str) -> None:
        settled, _ = load_prompts(Prompts(examples=write(folder, name, text)), None)
        assert settled.examples == (Example(question="How?", answer="So."),)

    @pytest.mark.parametrize(
        ("name", "text", "said"),
        [
            pytest.param("e.jsonl", '{"question": "a", "answer": "b"}\n{', "e.jsonl line 2: no JSON", id="json"),
            pytest.param("e.jsonl", '{"question": "a"}', "e.jsonl line 1: answer: Field required", id="key"),
            pytest.param("e.yaml", "question: a", "expected a list of pairs, found dict", id="mapping"),
            pytest.param("e.yaml", "- {question: a, answer: b, c: d}", "entry 1: c: Extra inputs", id="extra"),
            pytest.param("e.txt", "", "ends in .jsonl, .yaml or .json", id="kind"),
            pytest.param("e.jsonl", '{"question": "a", "answer": "b"}\n' * 21, "are 21; expected 20", id="many"),
        ],
    )
    def test_faults_name_file_and_place(self, folder: Path, name: str, text: str, said: str) -> None:
        assert said in refusal(examples=write(folder, name, text))

    def test_need_a_prompt_that_shows_them(self, folder: Path) -> None:
        own = (PROMPTS_FOLDER / "synthesis.j2").read_text().split("{% if examples")[0] + (
            "<number_of_pairs>{{ pairs }}</number_of_pairs>"
        )
        own = own.replace("avoid, examples", "avoid")
        said = refusal(synthesis=write(folder, "s.j2", own), examples=(Example(**self.PAIR),))
        assert "does not use the variable examples" in said


def test_frozen_prompts_come_back_as_they_were() -> None:
    prompts = {"a": Prompt("a", "{{ x }}", {"examples": [{"question": "q", "answer": "a"}]}), "b": Prompt("b", "é")}
    assert restore_prompts(dump_prompts(prompts)) == prompts


def test_a_broken_prompt_is_told_while_use_cases_are_read_and_takes_no_other_down(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = (USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text()
    cases = tmp_path / "use_cases"
    cases.mkdir()
    (cases / "aws_docs_qa.yaml").write_text(sample)
    own = write(folder, "a.j2", f"{TAGS}\n{{{{ oops }}}}")
    broken = sample.replace("name: aws_docs_qa", "name: mine").replace("prompts:\n", f"prompts:\n  answering: {own}\n")
    (cases / "mine.yaml").write_text(broken)
    found = load_use_cases(cases)
    assert [use_case.name for use_case in found.valid] == ["aws_docs_qa"]
    assert found.problems[0].startswith("mine.yaml: Prompt ")
    assert "line 4: unknown variable 'oops'" in found.problems[0]


def test_a_path_through_a_link_that_leads_out_is_refused(folder: Path) -> None:
    (folder.parent / "secret.j2").write_text(MINE)
    (folder / "link.j2").symlink_to(folder.parent / "secret.j2")
    with pytest.raises(InputError, match="may not be read"):
        load_prompts(Prompts(answering=str(folder / "link.j2")), None)
