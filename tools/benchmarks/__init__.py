"""Measure the pipeline's speed, quota use and memory against the ideal, on servers that are never the bottleneck."""
