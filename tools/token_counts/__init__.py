"""Measure real token counts, with which the estimates of tokens are tested."""
