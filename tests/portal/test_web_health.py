"""Whoever asks how the workers are leaves nothing behind."""

import multiprocessing

from studyportal.web.health import workers


def test_processes_that_are_forked_after_the_workers_were_asked_begin():
    """A connection that still listened would be closed in each of them, which waits for an answer that one alone gets."""
    workers()
    begun = [multiprocessing.get_context("fork").Process(target=int) for _ in range(2)]
    for one in begun:
        one.start()
    for one in begun:
        one.join(20)
    ended = [one.exitcode for one in begun]
    for one in begun:
        one.kill()
    assert ended == [0, 0]
