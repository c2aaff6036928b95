"""Sequences: convolution, differences, interpolation, integrals."""
