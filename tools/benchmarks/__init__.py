"""Compare the pipeline's speed, quota use and memory with ideal values. The servers are never the bottleneck."""
