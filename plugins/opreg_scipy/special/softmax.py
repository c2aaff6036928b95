"""Logistic functions, logsumexp and softmax."""
