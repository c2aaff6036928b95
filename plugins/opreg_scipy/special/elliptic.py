"""Elliptic integrals, exponential integrals and others."""
