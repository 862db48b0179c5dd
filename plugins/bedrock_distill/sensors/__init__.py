"""Sensors: tasks that wait for something in AWS."""

from __future__ import annotations
