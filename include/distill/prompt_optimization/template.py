"""Make the prompt that a prompt optimization job rewrites."""

from __future__ import annotations

from collections.abc import Mapping

from include.distill.config.catalog import load_catalog
from include.distill.config.placeholders import job_template
from include.distill.config.prompts import Prompt
from include.distill.config.use_case import UseCase
from include.distill.inference.student import escape_reserved


def template_for_job(use_case: UseCase, prompts: Mapping[str, Prompt]) -> str:
    """
    Return what the base student is asked, with ``{{document}}`` and ``{{question}}`` in place of the texts.

    A job has no field for a system prompt, so the instruction precedes the user text.

    :param prompts: the run's frozen prompts, by name.
    """
    text = job_template(prompts[use_case.prompts.answering], use_case.prompts.instruction)
    return escape_reserved(text, load_catalog().family_of(use_case.catalog_model(use_case.student)))
