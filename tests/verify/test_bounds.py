"""The alarm that ends a case: it rings again if it was lost, and never once the case is over."""

import signal
import time

import pytest

from opreg.verify._bounds import TookTooLong, limit

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the platform has no interval timer")


def dawdle(seconds: float) -> None:
    """Take so many seconds.

    It is a function of its own because Python 3.12 and 3.13 leave the backward jump of ``while condition:`` out of the
    ``with`` around it: an alarm that rings just there would pass by ``pytest.raises``.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


class Dawdling:
    """What takes long to be freed: an exception raised meanwhile is lost."""

    def __del__(self) -> None:
        dawdle(1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_alarm_that_was_lost_in_a_destructor_rings_again() -> None:
    with pytest.raises(TookTooLong), limit(0.05):
        Dawdling()
        dawdle(20)


def test_no_alarm_rings_once_the_block_is_left() -> None:
    handler = signal.getsignal(signal.SIGALRM)
    with pytest.raises(TookTooLong), limit(0.01):
        dawdle(20)
    with limit(30):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is handler
