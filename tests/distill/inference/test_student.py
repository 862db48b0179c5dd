from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.config.catalog import Family, load_catalog
from include.distill.config.prompts import Prompt, load_prompt
from include.distill.config.sections import Answering
from include.distill.core.errors import UseCaseError
from include.distill.inference.student import Student, escape_reserved, student_input, system_and_user_text
from tests.distill.conftest import make_row, make_use_case
from tools.aws_simulator.models.delimiters import section

CATALOG = load_catalog()
NOVA, LLAMA, CLAUDE = (CATALOG.families[name] for name in ("nova", "llama3.1", "claude3"))
ANSWERING = load_prompt("answering.j2")
ARN = "arn:aws:bedrock:us-east-1:123456789012:custom-model/nova/abc"
ROW = make_row(document="User: says it.", question="Who?", answer="The user.")
STUDENT = Student(
    model=CATALOG.model("nova-micro"),
    family=NOVA,
    identity=ARN,
    invoke_id="arn:throughput",
    prompt=ANSWERING,
    instruction="Say as System: does.",
    settings=Answering(max_tokens=100, temperature=0.25),
)

USE_CASE = make_use_case(prompts={"instruction": "Be brief."}, answering={"max_tokens": 77})
PROMPTS = {"answering.j2": Prompt("answering.j2", "{{ document }} {{ question }}")}


class TestRequest:
    def test_a_request_names_the_custom_model_and_calls_its_throughput(self) -> None:
        request = STUDENT.request(ROW)
        assert (request.identity, request.invoke_id) == (ARN, "arn:throughput")
        assert (request.max_tokens, request.temperature, request.sample) == (100, 0.25, 0)

    def test_a_request_has_reserved_strings_escaped_in_the_system_text_and_the_user_text(self) -> None:
        request = STUDENT.request(ROW)
        assert request.system == "Say as System : does."
        assert section(request.user, "document") == "User : says it."
        assert section(request.user, "question") == "Who?"

    def test_a_request_does_not_contain_the_reference_answer(self) -> None:
        request = STUDENT.request(ROW)
        assert ROW["answer"] not in request.user + request.system

    def test_the_second_request_for_the_noise_control_has_the_same_text_and_another_key(self) -> None:
        first, second = STUDENT.request(ROW), STUDENT.request(ROW, sample=1)
        assert first.user == second.user
        assert first.key != second.key


class TestOptimizedPrompt:
    OPTIMIZED = "System: read.\n<source>{{document}}</source> {{ question }} {{ question }}"

    def student(self, optimized: str = OPTIMIZED) -> Student:
        return Student.from_use_case(USE_CASE, PROMPTS, optimized=optimized)

    def test_the_optimized_prompt_replaces_the_prompt_and_the_instruction(self) -> None:
        request = self.student().request(make_row(document="Doc.", question="Why?"))
        assert request.system == ""
        assert request.user == "System: read.\n<source>Doc.</source> Why? Why?"
        assert (request.max_tokens, request.identity) == (77, "us.amazon.nova-micro-v1:0")

    def test_the_texts_of_a_row_are_escaped_but_the_prompt_is_sent_as_the_job_tested_it(self) -> None:
        request = self.student().request(make_row(document="</source>User: {{question}}", question="Bot: {% x %}"))
        assert request.user == (
            "System: read.\n<source>&lt;/source>User : {{question}}</source> Bot : {% x %} Bot : {% x %}"
        )

    def test_another_optimized_prompt_is_another_request(self) -> None:
        row = make_row()
        keys = {self.student(prompt).request(row).key for prompt in (self.OPTIMIZED, f"{self.OPTIMIZED}!")}
        assert len({*keys, Student.from_use_case(USE_CASE, PROMPTS).request(row).key}) == 3

    def test_the_second_request_for_the_noise_control_has_the_same_text(self) -> None:
        first, second = (self.student().request(ROW, sample=sample) for sample in (0, 1))
        assert first.user == second.user
        assert first.key != second.key


class TestFromUseCase:
    def test_a_student_without_a_custom_model_calls_the_base_model_on_demand(self) -> None:
        student = Student.from_use_case(USE_CASE, PROMPTS)
        inference_id = CATALOG.model("nova-micro").inference_id
        assert (student.identity, student.invoke_id) == (inference_id, inference_id)
        request = student.request({"document": "d", "question": "q"})
        assert (request.user, request.system, request.max_tokens) == ("d q", "Be brief.", 77)

    def test_a_student_with_a_custom_model_calls_the_throughput_of_that_model(self) -> None:
        student = Student.from_use_case(USE_CASE, PROMPTS, model_arn=ARN, invoke_id="arn:throughput")
        assert (student.identity, student.invoke_id) == (ARN, "arn:throughput")

    def test_a_student_without_a_throughput_calls_the_arn_of_its_custom_model(self) -> None:
        student = Student.from_use_case(USE_CASE, PROMPTS, model_arn=ARN)
        assert (student.identity, student.invoke_id) == (ARN, ARN)

    def test_a_champion_has_the_family_of_its_base_model(self) -> None:
        student = Student.from_use_case(USE_CASE, PROMPTS, base_model="llama-3-1-8b", model_arn=ARN)
        assert (student.model.key, student.family.key) == ("llama-3-1-8b", "llama3.1")

    def test_a_student_that_cannot_be_fine_tuned_is_refused(self) -> None:
        with pytest.raises(UseCaseError, match="Bedrock cannot fine-tune claude-haiku-4-5"):
            Student.from_use_case(USE_CASE, PROMPTS, base_model="claude-haiku-4-5")


class TestSystemAndUserText:
    @pytest.mark.parametrize("family", [NOVA, CLAUDE], ids=lambda family: family.key)
    def test_system_and_user_text_are_separate_if_the_training_format_has_a_system_field(self, family: Family) -> None:
        assert system_and_user_text(user="u", instruction="i", family=family) == ("i", "u")

    def test_system_and_user_text_are_joined_if_the_training_format_has_no_system_field(self) -> None:
        assert system_and_user_text(user="u", instruction="i", family=LLAMA) == ("", "i\n\nu")
        request = dataclasses.replace(STUDENT, family=LLAMA).request(ROW)
        assert request.system == ""
        assert request.user.startswith("Say as System: does.\n\n")

    @pytest.mark.parametrize("instruction", ["", " \n", "\u00a0"])
    def test_a_blank_instruction_is_left_out(self, instruction: str) -> None:
        assert system_and_user_text(user="u", instruction=instruction, family=LLAMA) == ("", "u")
        assert system_and_user_text(user="u", instruction=instruction, family=NOVA) == ("", "u")


class TestReservedStrings:
    def test_reserved_strings_get_a_space_before_their_last_character(self) -> None:
        text = "System: an <image> of User:Bot: [EOS] system:"
        assert escape_reserved(text, NOVA) == "System : an <image > of User :Bot : [EOS ] system :"

    def test_a_text_is_unchanged_for_a_family_without_reserved_strings(self) -> None:
        assert escape_reserved("System: <image>", LLAMA) == "System: <image>"
        assert section(student_input("User: d", "q", prompt=ANSWERING, family=LLAMA), "document") == "User: d"

    @given(st.lists(st.sampled_from([*NOVA.reserved_strings, "User", ":", "<ima", "ge>", " ", "é"])).map("".join))
    def test_one_pass_escapes_all_reserved_strings_and_a_second_pass_changes_nothing(self, text: str) -> None:
        once = escape_reserved(text, NOVA)
        assert not any(reserved in once for reserved in NOVA.reserved_strings)
        assert escape_reserved(once, NOVA) == once
        assert once.replace(" ", "") == text.replace(" ", "")
