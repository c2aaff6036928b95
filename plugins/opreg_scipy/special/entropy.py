"""Entropies, losses and products with logarithms."""
