"""Simulated models: small programs that play the roles of a distillation and say nothing about real models."""
