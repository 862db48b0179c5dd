"""Measure the pipeline's speed, quota use and memory against the ideal, with servers that are never the bottleneck."""
