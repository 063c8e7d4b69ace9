"""What holds for every directory of tests."""

import gc
import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from leftovers import Before  # noqa: E402

# A background job of a shell ignores SIGINT, and so would whatever the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

_PASSED = pytest.StashKey[bool]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if call.when == "call":
        item.stash[_PASSED] = report.passed


@pytest.fixture(autouse=True)
def no_leak(request):
    """Fails a test after which descriptors, BPF objects or tracefs entries are left."""
    gc.collect()
    before = Before()
    yield
    gc.collect()
    # The report of a failure keeps the test's variables, and with them what they hold.
    if request.node.stash.get(_PASSED, False):
        assert before.left() == []


@pytest.fixture
def compiles_here():
    """For what a compiler on another machine cannot see: files made by the test, other users."""
    if "BCC_COMPILE_SPOOL" in os.environ:
        pytest.skip("texts are compiled outside of the guest, which sees none of its files")
