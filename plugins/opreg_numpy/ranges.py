"""Sequences of numbers between two ends."""
