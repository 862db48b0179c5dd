from __future__ import annotations

from include.distill.config.prompts import Prompt, load_prompt
from include.distill.inference.student import Student
from include.distill.prompt_optimization.template import template_for_job
from tests.distill.conftest import make_row, make_use_case

USE_CASE = make_use_case(prompts={"instruction": "Answer as System: does."})


def test_the_prompt_of_a_job_is_what_the_base_student_is_asked() -> None:
    prompts = {"answering.j2": load_prompt("answering.j2")}
    row = make_row(document="Doc.", question="Why?")
    request = Student.from_use_case(USE_CASE, prompts).request(row)
    template = template_for_job(USE_CASE, prompts)
    asked = template.replace("{{document}}", "Doc.").replace("{{question}}", "Why?")
    assert asked == f"{request.system}\n\n{request.user}"


def test_reserved_strings_of_the_family_are_escaped_as_in_a_request() -> None:
    prompts = {"answering.j2": Prompt("answering.j2", "User: {{ document }} {{ question }}")}
    assert template_for_job(USE_CASE, prompts) == "Answer as System : does.\n\nUser : {{document}} {{question}}"
