"""A pool of threads performs no work which it has refused, and refuses none that a thread of it can perform."""

import threading
from concurrent.futures import Future
from weakref import ref

import pytest

from dimse.net.thread_pool import ThreadPool


class Work:
    """A function that notes its calls."""

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def __call__(self) -> None:
        self._done.append("called")


def fail(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_refused_work_is_never_performed(monkeypatch: pytest.MonkeyPatch) -> None:
    done = list[str]()
    with ThreadPool(1, "pool") as pool:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", fail)
            with pytest.raises(RuntimeError):
                pool.submit(Work(done))
        pool.submit(int).result(10)
    assert done == []


def test_refused_work_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work([])
    kept = ref(work)
    with ThreadPool(1, "pool") as pool:
        monkeypatch.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError):
            pool.submit(work)
        del work
        assert kept() is None


def test_work_waits_for_a_thread_of_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, done = threading.Event(), list[str]()
    with ThreadPool(2, "pool") as pool:
        busy = pool.submit(go_on.wait, 10)
        monkeypatch.setattr(threading.Thread, "start", fail)
        waiting: Future[None] = pool.submit(Work(done))
        go_on.set()
        waiting.result(10)
    assert (busy.result(), done) == (True, ["called"])


def test_closed_pool_refuses_work() -> None:
    with ThreadPool(1, "pool") as pool:
        pool.submit(int).result(10)
    with pytest.raises(RuntimeError, match="shutdown"):
        pool.submit(int)


def test_canceled_work_is_not_performed() -> None:
    go_on, done = threading.Event(), list[str]()
    with ThreadPool(1, "pool") as pool:
        pool.submit(go_on.wait, 10)
        canceled = pool.submit(Work(done)).cancel()
        go_on.set()
    assert (canceled, done) == (True, [])


def test_error_of_the_work_is_raised() -> None:
    with ThreadPool(1, "pool") as pool, pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result(10)
