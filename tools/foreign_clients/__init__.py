"""Run other people's client libraries against the AWS simulator, and measure what works."""
