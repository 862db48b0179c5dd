"""
Decide whether a resource in the account belongs to this environment, from its name, its tags and its training data.

The tag ``project`` alone proves nothing: anybody who may tag resources can set it, and other environments in the
account set it too. A resource is ours if it has all required tags, if its tag ``run-key`` is the key of the DAG run
that its tags name, and if its name is the one that this pipeline computes from the tags. So a resource with copied or
changed tags does not count as ours.

Version 0.1 of this pipeline computed the same names in all installations. So a resource that version 0.1 bought is
ours only if its model was also trained on a file below a root of this environment. If there is any doubt, the resource
is left unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from include.distill.cleanup.expiry import PROJECT_TAG
from include.distill.cleanup.tag_values import from_tags
from include.distill.config.layout import is_dataset_of
from include.distill.core.by_hand import ByHand
from include.distill.core.naming import (
    former_run_key,
    job_names,
    run_key,
    slug,
    standing_endpoint_name,
    throughput_names,
)

_ORDINAL = re.compile(r"-s([1-9]\d{0,5})", re.ASCII)
_ATTEMPT = re.compile(r"-a([1-9]\d{0,5})", re.ASCII)
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_LAST_PART = re.compile(r"-[^-]*$")
# The tag that marks a standing endpoint. Applications call such an endpoint, so it is not deleted when a run ends.
ROLE_TAG, STANDING_ROLE = "role", "standing"


def is_standing(tags: Mapping[str, str]) -> bool:
    """Return whether an endpoint has the tags of the standing endpoint of a champion."""
    return tags.get("project") == PROJECT_TAG and tags.get(ROLE_TAG) == STANDING_ROLE


@dataclass(frozen=True)
class NotOurs:
    """
    Why a resource is left unchanged.

    :param is_doubtful: whether the resource may still be ours, so a person should look at it.
    """

    reason: str
    is_doubtful: bool = False


@dataclass(frozen=True)
class OwnershipCheck:
    """
    Check whether resources belong to one environment.

    :param roots: returns the roots that the environment owns. It is called only for resources of earlier versions.
    """

    environment: str
    roots: Callable[[], Collection[str]]

    def endpoint(
        self, kind: ByHand, name: str, tags: Mapping[str, str], training_uri: Callable[[], str | None]
    ) -> NotOurs | None:
        """
        Return why an endpoint is left unchanged; ``None`` if a run of this environment created it.

        The standing endpoint of a champion is always left unchanged.

        :param kind: ``ByHand.THROUGHPUT`` or ``ByHand.DEPLOYMENT``.
        :param training_uri: returns the URI of the training data of the model that the endpoint serves. It is called
            only for throughput of an earlier version.
        """
        if is_standing(tags):
            return NotOurs("it is a champion's standing endpoint, which applications call")
        # Versions without environments created no deployments, so each of our deployments has the tag ``environment``.
        required = ("environment", "arm") if kind is ByHand.DEPLOYMENT else ("arm",)
        return self._refusal(tags, required, lambda: _is_endpoint_name(name, tags), training_uri, kind.command(name))

    def standing_endpoint(self, name: str, tags: Mapping[str, str]) -> NotOurs | None:
        """
        Return why an endpoint with the tags of a standing endpoint does not belong to this environment.

        :return: ``None`` if it does. A clean-up deletes it then, if the form asks for this.
        """
        environment, use_case = from_tags(tags, "environment"), from_tags(tags, "use-case")
        if environment != self.environment:
            return NotOurs(f"it belongs to environment {environment!r}, and this is environment {self.environment}")
        if not use_case or name != standing_endpoint_name(self.environment, use_case):
            problem = "its name does not match its tags, so a tag was copied or changed"
            return NotOurs(f"{problem}; if it is yours and no application calls it, delete it by hand", True)
        return None

    def model(self, name: str, tags: Mapping[str, str], training_uri: Callable[[], str | None]) -> NotOurs | None:
        """
        Return why a custom model is not ours; ``None`` if it is ours.

        :param training_uri: returns the URI of the model's training data. It is called only if an earlier version
            bought the model.
        """
        by_hand = ByHand.CUSTOM_MODEL.command(name)
        return self._refusal(tags, ("fingerprint",), lambda: _is_model_name(name, tags), training_uri, by_hand)

    def _refusal(
        self,
        tags: Mapping[str, str],
        more_tags: tuple[str, ...],
        is_name_of_tags: Callable[[], bool],
        training_uri: Callable[[], str | None],
        by_hand: str,
    ) -> NotOurs | None:
        if tags.get("project") != PROJECT_TAG:
            return NotOurs(f"it does not belong to this project: no tag project={PROJECT_TAG}")
        owner = from_tags(tags, "environment")
        if owner not in (None, self.environment):
            return NotOurs(f"it belongs to environment {owner!r}, and this is environment {self.environment}")
        advice = f"if it is yours and no run needs it, delete it by hand: {by_hand}"
        # The first version did not tag a resource with its run if the run id had characters that AWS does not accept.
        tags_of_run = () if owner is None and "run-id" not in tags else ("dag-id", "run-id")
        if missing := [key for key in ("use-case", "run-key", *tags_of_run, *more_tags) if not tags.get(key)]:
            return NotOurs(f"its owner is unknown, because it has no tag {missing[0]}; {advice}", is_doubtful=True)
        if (tags_of_run and not _is_key_of_run(tags)) or not is_name_of_tags():
            problem = "its name does not match its tags, so a tag was copied or changed"
            return NotOurs(f"{problem}; {advice}", is_doubtful=True)
        if owner is None:
            return self._unproven(training_uri(), advice)
        return None

    def _unproven(self, training_uri: str | None, advice: str) -> NotOurs | None:
        if training_uri and any(is_dataset_of(root, training_uri) for root in self.roots()):
            return None
        reason = (
            "version 0.1 of this pipeline bought it, and it is not proven that this environment owns it: its model"
            f" was trained on {training_uri or 'unknown data'}, which is not below a root that {self.environment} owns;"
            f" {advice}"
        )
        return NotOurs(reason, is_doubtful=True)


def _is_key_of_run(tags: Mapping[str, str]) -> bool:
    """
    Return whether the tag ``run-key`` belongs to the run that the tags ``dag-id`` and ``run-id`` name.

    The key may have the current form or the form of an earlier version.
    """
    key = run_key(from_tags(tags, "dag-id") or "", from_tags(tags, "run-id") or "")
    return from_tags(tags, "run-key") in (key, former_run_key(key))


def _is_endpoint_name(name: str, tags: Mapping[str, str]) -> bool:
    number = _ORDINAL.fullmatch(_last_part(name))
    if number is None:
        return False
    use_case, arm, key = (from_tags(tags, tag) or "" for tag in ("use-case", "arm", "run-key"))
    environment = from_tags(tags, "environment")
    names = throughput_names(environment or "", use_case, arm, key, int(number[1]))
    return name == (names.name if environment else names.former)


def _is_model_name(name: str, tags: Mapping[str, str]) -> bool:
    use_case, arm, fingerprint = (from_tags(tags, tag) or "" for tag in ("use-case", "arm", "fingerprint"))
    environment = from_tags(tags, "environment")
    if not _FINGERPRINT.fullmatch(fingerprint):
        return False
    if environment is None and not arm:  # the first version did not tag a model with its arm
        former = rf"{slug(use_case, limit=24)}-[a-z0-9-]{{1,16}}-{fingerprint[:12]}(-a\d{{1,6}})?"
        return re.fullmatch(former, name, re.ASCII) is not None
    number = _ATTEMPT.fullmatch(_last_part(name))
    names = job_names(environment or "", use_case, arm, fingerprint, int(number[1]) if number else 1)
    return name == (names.name if environment else names.former)


def _last_part(name: str) -> str:
    match = _LAST_PART.search(name)
    return match[0] if match else ""
