"""A failing case as a few lines of Python that need nothing but NumPy and the rule.

`DEMONSTRATIONS` is a table: what a finding says, and the lines that show it, as `got` and `expected`. The lines are run
before they are handed out, with cotangents from the simplest on, so that what is printed shows the failure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from opreg.verify._demonstrations import DEMONSTRATIONS
from opreg.verify._failing import Failing, Reproducer
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding


def reproducer(
    subject: Subject, data: Sequence[Any], static: Mapping[str, Any], finding: Finding
) -> Reproducer | None:
    """Lines that show what a finding says, or None where no lines do or the input is too large to write down."""
    try:
        call = Failing.of(subject, data, static, finding)
        show = next((show for pattern, show in DEMONSTRATIONS if re.search(pattern, finding.diagnosis)), None)
        if call is None or show is None:
            return None
        for lines in show(call):
            for g in call.cotangents():
                made = call.run(g, lines)
                if made is not None:
                    return made
    except (Exception, SystemExit):
        return None  # a forward or a rule that does not even answer here: the finding says so
    return None
