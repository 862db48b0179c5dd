"""``make bench``: what the pipeline takes beside what is possible, measured at servers that are not themselves slow."""
