"""Write the question of whether to roll a champion back, as Markdown for Airflow's Required Actions."""

from __future__ import annotations

from collections.abc import Iterator

from include.distill.config.promotion_rule import Promotion
from include.distill.evaluation.champion import Champion
from include.distill.evaluation.endpoint_records import RollbackChoice
from include.distill.evaluation.records import StandingKind
from include.distill.report.markdown import as_code, as_text
from include.distill.report.promotion_question import price_lines


def rollback_subject(choice: RollbackChoice) -> str:
    """Return the headline of the question."""
    target = choice["target"]
    if target["model_arn"] == choice["replaces"]:
        return f"Put the champion of {choice['use_case']} behind its endpoint again?"
    return f"Roll {choice['use_case']} back to the champion of run {target['run_key']}?"


def rollback_question(
    choice: RollbackChoice, champion: Champion | None, *, serve: StandingKind | None, rule: Promotion
) -> str:
    """
    Return the text for the person who approves or rejects the rollback.

    :param champion: the present champion.
    :param serve: kind of the standing endpoint; ``None`` if the use case has none.
    """
    return "\n".join(_lines(choice, champion, serve, rule))


def _lines(
    choice: RollbackChoice, champion: Champion | None, serve: StandingKind | None, rule: Promotion
) -> Iterator[str]:
    target, is_repair = choice["target"], choice["target"]["model_arn"] == choice["replaces"]
    if target["simulated"]:
        yield from ("**SIMULATED: the models are small simulated models. No real model is changed.**", "")
    if champion and not is_repair:
        yield from ("The present champion:", "", *_model(champion), "")
    yield from ("The champion, which stays:" if is_repair else "The model that would be the champion again:", "")
    yield from (*_model(Champion.model_validate(target)), "")
    yield _endpoint(champion, serve)
    if choice["price"]:
        yield from ("", *price_lines(choice["price"]))
    if not is_repair:
        yield ""
        yield (
            f"The promotion rule will not promote {as_code(choice['replaces'] or '')} again, even if a run trains it"
            " again. Only another rollback can put it back."
        )
    yield ""
    yield (
        "If you approve, this is done at once, and the DAGs that are scheduled on the champion's asset start. If you"
        f" reject, or if no one answers within {rule.answer_within_hours:g} hours, nothing changes."
    )


def _model(champion: Champion) -> Iterator[str]:
    yield f"- model {as_code(champion.model_arn)}, trained from {as_text(champion.student)}"
    yield f"- arm {as_code(champion.arm)} of run {as_code(champion.run_key)}"
    yield f"- promoted {as_text(champion.promoted_at)}"
    yield f"- verdict: {as_text(champion.verdict)}"
    yield f"- report: {as_code(champion.report_uri)}"


def _endpoint(champion: Champion | None, serve: StandingKind | None) -> str:
    if serve is None:
        return (
            "The use case has no standing endpoint, so only the record of the champion changes. Applications that read"
            " the record must switch to the new model themselves."
        )
    if champion and champion.endpoint:
        return (
            f"Applications call {as_code(champion.endpoint.arn)}. The ARN stays the same. The endpoint must answer the"
            " smoke prompts with the model. Otherwise, nothing is recorded, and the present champion is put behind the"
            " endpoint again."
        )
    kind = "provisioned throughput" if serve == "provisioned" else "a deployment, which is billed by the token"
    return f"The use case has no standing endpoint yet. One is created: {kind}."
