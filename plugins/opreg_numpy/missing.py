"""Reductions that leave out NaN."""
