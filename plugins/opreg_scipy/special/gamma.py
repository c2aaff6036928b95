"""Gamma and beta functions, and what is made of them."""
