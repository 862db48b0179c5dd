"""Check before a run whether the champion's standing endpoint fits the use case, and answers with the champion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.endpoints import kind_named
from include.distill.cleanup.choice import CLEAN_UP_DAG_ID, CleanUpChoice
from include.distill.config.form_faults import field_name
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ContractError, RefusedError
from include.distill.cost.standing_price import standing_note
from include.distill.evaluation.champion import Champion
from include.distill.evaluation.champion_parts import ChampionEndpoint

if TYPE_CHECKING:
    from bedrock_distill.hooks.bedrock import BedrockDistillHook

_WITHDRAWN_SHOWN = 3
_REPAIR = "To repair this, trigger distill_rollback with to: current"
_DELETE = f"delete the endpoint with {CLEAN_UP_DAG_ID} and {field_name(CleanUpChoice, 'delete_standing_endpoints')}"


def standing_problems(use_case: UseCase, champion: Champion | None) -> list[str]:
    """
    Return why a promotion could not put its model behind the standing endpoint that the champion's record names.

    AWS does not document whether an endpoint can change to a model with another base model (UNVERIFIED), so this is not
    tried.
    """
    endpoint = champion.endpoint if champion else None
    if champion is None or endpoint is None or use_case.promotion.serve == "none":
        return []
    differences = [
        ("models trained from", champion.student, "student", use_case.student),
        ("with the kind", endpoint.kind, "promotion.serve", use_case.promotion.serve),
        ("in Region", endpoint.region, "aws.region", use_case.aws.region),
    ]
    return [
        f"the champion's standing endpoint {endpoint.arn} serves {what} {theirs}, but {key} is {ours}; set {key} to"
        f" {theirs}, or {_DELETE}, after which a promotion creates an endpoint with another ARN"
        for what, theirs, key, ours in differences
        if theirs != ours
    ]


def standing_warnings(hook: BedrockDistillHook, use_case: UseCase, champion: Champion | None) -> list[str]:
    """
    Return warnings about the standing endpoint that do not keep the run from starting.

    They state what the endpoint costs per hour from the first promotion on, say whether it answers with a model other
    than the champion or whether no run can promote a model, and name the models that the rule does not promote again.
    """
    warnings = [*_without_candidates(use_case, has_endpoint=champion is not None and champion.endpoint is not None)]
    if champion is None or champion.endpoint is None:
        note = standing_note(use_case)
        warnings += [note] if note else []
    else:
        warnings += _state(hook, champion, champion.endpoint)
        warnings += _unused(use_case, champion, champion.endpoint)
    withdrawn = champion.withdrawn if champion else ()
    warnings += [f"Model {model.describe()}" for model in withdrawn[:_WITHDRAWN_SHOWN]]
    if more := len(withdrawn) - _WITHDRAWN_SHOWN:
        warnings += [f"Number of further models that were rolled back: {more}."] if more > 0 else []
    return warnings


def _without_candidates(use_case: UseCase, *, has_endpoint: bool) -> Iterator[str]:
    from include.distill.report.judged_run import champion_slot, possible_candidates

    serve = use_case.promotion.serve
    if serve == "none" or possible_candidates(use_case):
        return
    slot = champion_slot(use_case)
    # Without serve, a rollback would not change an endpoint that exists.
    instead = "" if has_endpoint else ", or set promotion.serve: none"
    with_slot = f"with {slot} as baseline" if slot else "with a base arm as baseline"
    yield (
        f"promotion.serve is {serve}, but no comparison has a trained arm as candidate {with_slot}, so no run can"
        f" promote a model. Add such a comparison to {use_case.name}.yaml{instead}."
    )


def _state(hook: BedrockDistillHook, champion: Champion, endpoint: ChampionEndpoint) -> Iterator[str]:
    kind = kind_named(endpoint.kind)
    try:
        found = kind.find(hook, endpoint.arn)
        served = kind.served(found) if found else None
    except (RefusedError, ContractError) as error:
        yield f"The champion's standing endpoint {endpoint.arn} could not be checked: {error}"
        return
    if served is None:
        yield (
            f"The champion's standing endpoint {endpoint.arn} does not exist, so all calls to it fail. {_REPAIR}, which"
            " creates an endpoint with another ARN."
        )
    elif served.progress is Progress.FAILED:
        yield f"The champion's standing endpoint {endpoint.arn} failed, so all calls to it fail. {_REPAIR}."
    elif champion.model_arn not in (served.model_arn, served.coming):
        yield (
            f"The champion's standing endpoint {endpoint.arn} answers with {served.model_arn}, but the champion is"
            f" {champion.model_arn}. {_REPAIR}."
        )


def _unused(use_case: UseCase, champion: Champion, endpoint: ChampionEndpoint) -> Iterator[str]:
    if use_case.promotion.serve == "none":
        yield (
            f"promotion.serve is none, but the champion has the standing endpoint {endpoint.arn}. A promotion does not"
            f" change it, so it goes on answering with {champion.model_arn}. Set promotion.serve to {endpoint.kind}, or"
            f" {_DELETE}."
        )
