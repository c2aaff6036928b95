"""The verifier: plan, checks, oracle, verdicts, executors, record and reports. ``opreg verify`` runs it."""
