"""Compare the pipeline's speed, quota use and memory with ideal values.

The servers that the benchmarks start are never the bottleneck.
"""
