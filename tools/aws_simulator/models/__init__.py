"""Simulated models: small programs in the roles of a distillation. Their results say nothing about real models."""
