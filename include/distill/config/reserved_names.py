"""Define the names that use cases and arms cannot have."""

from __future__ import annotations

# For each of these names, distill_<name> is another DAG of the project, or <name> is a choice in the clean-up form.
RESERVED_NAMES = frozenset({"check_account", "clean_up", "release_leftovers", "label_sample", "rollback", "all"})
# Tasks and task groups that a DAG has in addition to its arms. An arm is a task group with the arm's name.
RESERVED_ARM_NAMES = frozenset(
    {"preflight", "ingest", "estimate", "approve_spending", "shards", "evaluation_shards", "synthesize"}
    | {"synthesize_batch", "curate", "judge", "judge_batch", "judge_champion", "report", "approve", "promote"}
    | {"start_switch", "switch", "switched", "smoke", "settle", "delete_losers", "outcome", "evaluate"}
)
