"""Questions to which a limited child answers badly: it takes all memory, never ends, or crashes."""

import ctypes
import os
import signal


def handlers(watch):
    bad = {"grow": _grow, "grow_in_c": _grow_in_c, "spin": _spin, "crash": _crash}
    named = {name: _at_file(watch, act) for name, act in bad.items()}
    return named | {"fail": _fail, "hello": lambda _: {"heard": True}}


def _at_file(watch, act):
    def answer(asked):
        watch.file(asked["file"], size=0)
        return act()

    return answer


def _grow():
    try:
        bytearray(1 << 30)
    except MemoryError:
        return {"refused": "MemoryError"}
    return {"refused": ""}


def _grow_in_c():
    if not ctypes.CDLL(None).malloc(ctypes.c_size_t(1 << 30)):
        os.abort()  # what C libraries do that cannot go on
    return {}


def _spin():
    while True:
        pass


def _crash():
    os.kill(os.getpid(), signal.SIGSEGV)


def _fail(asked):
    raise ValueError(asked["quoted"])
