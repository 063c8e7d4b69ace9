"""These tests are about the guest itself and mean nothing elsewhere."""

import os

import pytest


@pytest.fixture(autouse=True)
def in_guest():
    if "BCC_TEST_KERNEL" not in os.environ:
        pytest.skip("guests only")
