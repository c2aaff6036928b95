"""The alarm that ends a case: it rings again if it was lost, and never once the case is over."""

import signal
import time

import pytest

from opreg.verify._bounds import TookTooLong, limit

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the platform has no interval timer")


class Dawdling:
    """What takes long to be freed: an exception raised meanwhile is lost."""

    def __del__(self) -> None:
        until = time.monotonic() + 1
        while time.monotonic() < until:
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_alarm_that_was_lost_in_a_destructor_rings_again() -> None:
    started = time.monotonic()
    with pytest.raises(TookTooLong), limit(0.05):
        Dawdling()
        while time.monotonic() < started + 20:
            pass


def test_no_alarm_rings_once_the_block_is_left() -> None:
    handler = signal.getsignal(signal.SIGALRM)
    with pytest.raises(TookTooLong), limit(0.01):
        while True:
            pass
    with limit(30):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is handler
