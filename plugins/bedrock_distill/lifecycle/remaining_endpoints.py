"""Say what an endpoint that may still exist costs, and how to delete it by hand."""

from __future__ import annotations

from dataclasses import dataclass

from bedrock_distill.lifecycle.endpoints import THROUGHPUT, EndpointKind


@dataclass(frozen=True)
class RemainingEndpoint:
    """An endpoint that may still exist. ``since`` is the time of its creation in ISO 8601 format."""

    name: str
    arn: str | None = None
    usd_per_hour: float | None = None
    since: str | None = None
    is_certain: bool = True
    kind: EndpointKind = THROUGHPUT

    def billed(self) -> str:
        """Return what the endpoint costs, as a sentence."""
        if self.kind is not THROUGHPUT:
            exists = "may still exist" if self.is_certain else "may exist"
            return (
                f"Deployment {self.name} {exists}. It is not billed while it is idle, but it counts against the"
                " account's quota of deployments."
            )
        price = f" at ${self.usd_per_hour:.2f} per hour" if self.usd_per_hour is not None else " by the hour"
        since = f", since {self.since}" if self.since else ""
        arn = f" ({self.arn})" if self.arn else ""
        if not self.is_certain:
            return f"If endpoint {self.name} exists, it is billed{price}."
        return f"Endpoint {self.name}{arn} may still be billed{price}{since}."

    def by_hand(self, region: str | None) -> str:
        """Return how to delete the endpoint by hand, as a sentence."""
        ways = self.kind.by_hand.ways(self.arn or self.name, region)
        if self.kind is THROUGHPUT:
            return f"To stop the billing without Airflow, delete endpoint {self.name} {ways}."
        return f"Without Airflow, delete deployment {self.name} {ways}."
