import contextlib
import socket
import threading
import time

import pytest

from sse_demo.lab.deadline import within


def test_what_returns_in_time_is_returned():
    assert within(5, divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        within(5, divmod, 7, 0)


def test_what_never_returns_is_interrupted():
    def spin():
        while True:
            pass

    with pytest.raises(TimeoutError, match=r"still running after 0\.1 s"):
        within(0.1, spin)


def test_a_call_that_waits_is_woken():
    here, there = socket.socketpair()
    with here, there, pytest.raises(TimeoutError):
        within(0.1, here.recv, 1)


def test_a_function_that_swallows_the_interrupt_was_too_late_all_the_same():
    def stubborn():
        try:
            time.sleep(10)
        except KeyboardInterrupt:
            return "at last"

    with pytest.raises(TimeoutError):
        within(0.1, stubborn)


def test_an_interrupt_of_the_person_stays_one():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        within(5, interrupted)


def test_no_interrupt_comes_late():
    for seconds in 25 * [0, 0.001]:  # while it begins, and while it ends
        with contextlib.suppress(TimeoutError):
            within(seconds, time.sleep, 0.001)
    time.sleep(0.05)


def test_another_thread_has_all_the_time_it_takes():
    done = []
    thread = threading.Thread(target=lambda: done.append(within(0.01, time.sleep, 0.05)))
    thread.start()
    thread.join()
    assert done == [None]
