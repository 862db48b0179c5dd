"""
State what the estimates assume about prompt optimization jobs. All figures are assumptions that nobody has measured.

AWS charges no fee for these jobs. It bills the tokens of the student, of the judge and of the model that rewrites the
prompt, at their on-demand prices. Neither a job nor its result says how many tokens there were.
"""

from __future__ import annotations

# AWS does not publish how often a job repeats its rounds. In each round, the student answers every sample once, the
# judge judges every answer once, and the prompt is rewritten once. The judge's model is assumed to rewrite the prompt,
# and to read the prompt and all judged samples for that.
ROUNDS, MOST_ROUNDS = 5, 10
# The tokens that a rewritten prompt has more than the original one. In the result that AWS publishes as an example, the
# mean input of a sample grew from 418 to 2,007 tokens, because the rewritten prompt contains examples:
# https://github.com/aws-samples/amazon-bedrock-samples (advanced-prompt-optimization/data/xsum/results_live.jsonl)
ADDED_TOKENS, MOST_ADDED_TOKENS = 1_600, 4_000
