"""
Answer Service Quotas for Bedrock from the settings of the simulator.

The account has a quota of model units, quotas of custom model deployments, a quota of prompt optimization jobs, and the
rate quotas that are set for models.
A model without a rate quota is not limited here, so it has no quota in the lists. The rate quotas of custom model
deployments always apply. They are listed in the Regions where the model's custom models can be deployed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.account.settings import Settings, SettingsStore
from tools.aws_simulator.catalog.catalog import Catalog, Model
from tools.aws_simulator.catalog.offers import load_quota_names
from tools.aws_simulator.catalog.regions import PROMPT_OPTIMIZATION_REGIONS
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.protocol.specification import load_service
from tools.aws_simulator.services.paging import cut_page
from tools.aws_simulator.services.service import ServiceCall, SimulatedService

SERVICE = "bedrock"
DEFAULT_MODEL_UNITS = 0.0  # https://docs.aws.amazon.com/bedrock/latest/userguide/prov-thru-prereq.html
_BAD_PAGE = "InvalidPaginationTokenException"


@dataclass(frozen=True)
class Quota:
    """One quota; ``default`` is AWS's default value, and None if it is not known."""

    code: str
    name: str
    value: float
    default: float | None
    adjustable: bool


class ServiceQuotas:
    """The operations on quotas."""

    def __init__(self, settings: SettingsStore, catalog: Catalog) -> None:
        self._settings = settings
        self._catalog = catalog
        handlers = {
            "GetServiceQuota": self.get,
            "ListServiceQuotas": self.list,
            "GetAWSDefaultServiceQuota": self.get_default,
            "ListAWSDefaultServiceQuotas": self.list_defaults,
        }
        self.service = SimulatedService(load_service("service-quotas"), handlers)

    def quotas(self, region: str) -> list[Quota]:
        """Return all quotas of the account in a Region."""
        units = float(self._settings.current.model_units)
        provisioned = load_quota_names().provisioned.values()
        named = [Quota(entry.code, entry.name, units, DEFAULT_MODEL_UNITS, adjustable=True) for entry in provisioned]
        jobs = self._optimization_jobs() if region in PROMPT_OPTIMIZATION_REGIONS else ()
        return [*named, *self._deployments(), *jobs, *self._deployment_rates(region), *self._rates()]

    def _deployments(self) -> Iterator[Quota]:
        """Return the quotas of custom model deployments. Their codes and the wording of their names are UNVERIFIED."""
        settings, defaults = self._settings.current, Settings()
        for kind, field in (("Total", "deployments"), ("In-progress", "deployments_in_progress")):
            value, default = float(getattr(settings, field)), float(getattr(defaults, field))
            name = f"(Model customization) {kind} custom model deployments"
            yield Quota(f"SIMULATED-{kind}-custom-model-deployments", name, value, default, adjustable=True)

    def _optimization_jobs(self) -> Iterator[Quota]:
        """Return the quota of prompt optimization jobs.

        Its code and name, and that it is not adjustable, are UNVERIFIED.
        """
        value, default = float(self._settings.current.optimization_jobs), float(Settings().optimization_jobs)
        name = "(Advanced prompt optimization) Concurrent jobs"
        yield Quota("SIMULATED-concurrent-prompt-optimization-jobs", name, value, default, adjustable=False)

    def _deployment_rates(self, region: str) -> Iterator[Quota]:
        """
        Return the rate quotas of custom model deployments: two for each base model, of requests and of tokens.

        A quota applies to each deployment of the base model separately (UNVERIFIED for Llama 3.3).

        The names come from public programs that read the quotas, such as github.com/awslabs/bedrock-usage-analyzer.
        The codes are not known. All these quotas are shown as not adjustable. This was seen in AWS for Llama 3.3 only.
        """
        for model in self._catalog.models.values():
            limits = model.customization.deployment if model.customization else None
            if limits is None or region not in limits.regions:
                continue
            changed = self._settings.current.quotas.get(f"custom-model-deployment/{model.key}")
            rates = {
                "requests": (float(limits.requests_per_minute), changed and changed.rpm),
                "tokens": (float(limits.tokens_per_minute), changed and changed.tpm),
            }
            names = load_quota_names().rates.get(model.key)
            for kind, (default, value) in rates.items():
                name = (
                    f"(Model customization) Sum of on demand custom model deployment {kind} per minute for"
                    f" {names.name if names else model.name}"
                )
                code = f"SIMULATED-custom-model-deployment-{model.key}-{kind}"
                yield Quota(code, name, value or default, default, adjustable=False)

    def _rates(self) -> Iterator[Quota]:
        for name, limits in self._settings.current.quotas.items():
            model = next((model for model in self._catalog.models.values() if name in _names(model)), None)
            if model is None:
                continue  # the quota of a throughput or deployment
            names = load_quota_names().rates.get(model.key)
            scope = _scope(model, name)
            for kind, value in (("requests", limits.rpm), ("tokens", limits.tpm)):
                if value is not None:
                    code = getattr(names, kind, None) if scope == "Cross-region" else None
                    text = f"{scope} model inference {kind} per minute for {names.name if names else model.name}"
                    simulated = f"SIMULATED-{scope.split(maxsplit=1)[0]}-{model.key}-{kind}"
                    yield Quota(code or simulated, text, float(value), None, adjustable=False)

    def get(self, call: ServiceCall) -> dict[str, Any]:
        """Handle GetServiceQuota."""
        return {"Quota": _applied(self._find(call), call.scope.region)}

    def get_default(self, call: ServiceCall) -> dict[str, Any]:
        """Handle GetAWSDefaultServiceQuota."""
        quota = self._find(call)
        if quota.default is None:
            raise ServiceError(
                "NoSuchResourceException", f"The AWS simulator does not know AWS's default for the quota {quota.code}."
            )
        return {"Quota": _default(quota, call.scope.region)}

    def list(self, call: ServiceCall) -> dict[str, Any]:
        """Handle ListServiceQuotas."""
        _check_service(call)
        wanted = call.arguments.get("QuotaCode")
        is_account = call.arguments.get("QuotaAppliedAtLevel", "ACCOUNT") != "RESOURCE"
        quotas = [quota for quota in self.quotas(call.scope.region) if is_account and wanted in (None, quota.code)]
        page, token = cut_page(quotas, call.arguments, _BAD_PAGE)
        return {"Quotas": [_applied(quota, call.scope.region) for quota in page], **token}

    def list_defaults(self, call: ServiceCall) -> dict[str, Any]:
        """Handle ListAWSDefaultServiceQuotas. Quotas whose default is not known are not listed."""
        _check_service(call)
        quotas = [quota for quota in self.quotas(call.scope.region) if quota.default is not None]
        page, token = cut_page(quotas, call.arguments, _BAD_PAGE)
        return {"Quotas": [_default(quota, call.scope.region) for quota in page], **token}

    def _find(self, call: ServiceCall) -> Quota:
        _check_service(call)
        code = call.arguments["QuotaCode"]
        quota = next((quota for quota in self.quotas(call.scope.region) if quota.code == code), None)
        if quota is None:
            raise ServiceError("NoSuchResourceException", f"The simulated account has no quota {code} for {SERVICE}.")
        return quota


def _names(model: Model) -> set[str]:
    return {model.key, model.id, *model.profile_ids}


def _scope(model: Model, name: str) -> str:
    """
    Return the beginning of a rate quota's name, such as "On-demand".

    :param name: the id that requests use for the model: the model's own id, or the id of an inference profile.
    """
    if name.startswith("global."):
        return "Global cross-region"
    return "On-demand" if name == model.id and not model.profiles_only else "Cross-region"


def _check_service(call: ServiceCall) -> None:
    service = call.arguments["ServiceCode"]
    if service != SERVICE:
        text = f"The AWS simulator has quotas of {SERVICE} only; the request names {service}."
        raise ServiceError("NoSuchResourceException", text)


def _applied(quota: Quota, region: str) -> dict[str, Any]:
    arn = f"arn:aws:servicequotas:{region}:{ACCOUNT_ID}:{SERVICE}/{quota.code}"
    return {**_shown(quota, quota.value), "QuotaArn": arn, "QuotaAppliedAtLevel": "ACCOUNT"}


def _default(quota: Quota, region: str) -> dict[str, Any]:
    return {**_shown(quota, quota.default), "QuotaArn": f"arn:aws:servicequotas:{region}::{SERVICE}/{quota.code}"}


def _shown(quota: Quota, value: float | None) -> dict[str, Any]:
    return {
        "ServiceCode": SERVICE,
        "ServiceName": "Amazon Bedrock",
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Value": value,
        "Unit": "None",
        "Adjustable": quota.adjustable,
        "GlobalQuota": False,
    }
