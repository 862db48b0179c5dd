"""Compare the pipeline's speed, quota use and memory with the ideal, on servers that are never the bottleneck."""
