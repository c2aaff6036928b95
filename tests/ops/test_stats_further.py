"""The rules of those continuous distributions and methods that `test_stats` leaves to this file."""

import pytest

from opreg.testing import conformance
from opreg_scipy.stats import continuous

OTHERS = {"norm": ("ppf", "isf")}
OTHERS |= dict.fromkeys(("gamma", "chi2", "beta"), ("sf", "logcdf", "logsf")) | {"t": ("sf", "logsf")}
RULES = [
    p.name
    for p in continuous.PRIMITIVES
    if p.name.split(".")[3] in OTHERS.get(p.name.split(".")[2], (p.name.split(".")[3],))
]
test_rules = pytest.mark.slow(conformance(*RULES, samples=1))
