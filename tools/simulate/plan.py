"""Say what a simulation searches, and which of its shares belong together."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

from include.distill.core.naming import canonical_hash
from include.distill.core.paths import PROJECT_ROOT

_CODE = (
    "dags",
    "include",
    "plugins",
    "tests/fuzz_corpus",
    "tools/aws_simulator",
    "tools/chaos",
    "tools/fuzz",
    "tools/simulate",
)


@dataclass(frozen=True)
class Plan:
    """
    What all shares of a simulation have in common.

    :ivar quick: stop after about ten minutes.
    :ivar seed: decides the order, the drawn schedules and the mutated inputs.
    :ivar of: the number of shares.
    :ivar drawn: the number of schedules with two or three faults, for each part of the DAG.
    :ivar depth: 2 to search also the schedules with two faults of the parts that buy.
    :ivar minutes: how long the schedules with two faults are searched.
    :ivar fuzz: the number of mutated inputs.
    :ivar fail_fast: stop at the first failure.
    """

    quick: bool
    seed: int
    of: int = 1
    drawn: int = 0
    depth: int = 1
    minutes: float = 120.0
    fuzz: int = 0
    fail_fast: bool = False

    def key(self, code: str) -> str:
        """
        Return a name that two simulations share only if their shares can be merged. It begins with the code's digest.

        :param code: the result of :func:`digest_of_code`.
        """
        return f"{code[:16]}-{canonical_hash({**asdict(self), 'code': code})[:16]}"

    def share(self, number: int, count: int) -> int:
        """Return how many of ``count`` things a share has."""
        return len(range(number - 1, count, self.of))


def digest_of_code() -> str:
    """Return a digest of all files that decide the result of a simulation."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in _CODE for path in (PROJECT_ROOT / folder).rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(PROJECT_ROOT)}\n".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
