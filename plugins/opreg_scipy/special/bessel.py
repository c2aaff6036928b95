"""Bessel functions."""
