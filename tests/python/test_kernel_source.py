"""A tree of kernel headers that the caller names is what types come from: a small one, whose struct
no kernel has."""

import ctypes as ct
import os
import shutil
from pathlib import Path

import bcc
import pytest
from bcc import BPF

pytestmark = pytest.mark.usefixtures("compiles_here")

TEXT = b"""
#include <linux/only_here.h>
BPF_ARRAY(t, struct only_here, 3);
int f(void *ctx) { return sizeof(struct only_here); }
"""
TREE = Path(__file__).resolve().parents[1] / "kernel_source"


def tree(copy, size):
    """A copy of the tree whose `struct only_here` has so many bytes."""
    shutil.copytree(TREE, copy)
    resize(copy, 4711, size)
    return copy


def resize(copy, old, new):
    header = copy / "include/linux/only_here.h"
    header.write_text(header.read_text().replace(str(old), str(new)))


def size_seen(**options):
    """What the program returns, out of its first instruction; and the table's leaf agrees."""
    with BPF(text=TEXT, **options) as b:
        code, size = b.dump_func(b"f")[0], int.from_bytes(b.dump_func(b"f")[4:8], "little")
        assert (code, ct.sizeof(b[b"t"].Leaf)) == (0xB7, size)
        return size


def refused(**options):
    with pytest.raises(bcc.CompileError) as raised:
        BPF(text=TEXT, **options)
    return str(raised.value)


@pytest.mark.parametrize("kind", [Path, str, os.fsencode])
def test_the_option_names_the_headers(kind):
    assert size_seen(kernel_source=kind(TREE)) == 4711


def test_without_it_the_kernels_own_types_are_used():
    assert "'linux/only_here.h' file not found" in refused()


def test_the_variable_names_them_too_and_the_option_is_asked_first(tmp_path, monkeypatch):
    monkeypatch.setenv("BCC_KERNEL_SOURCE", str(tree(tmp_path / "variable", 13)))
    assert size_seen() == 13
    assert size_seen(kernel_source=tree(tmp_path / "option", 17)) == 17


def test_a_header_that_changed_is_read_again(tmp_path):
    copy = tree(tmp_path / "copy", 13)
    assert size_seen(kernel_source=copy) == 13
    resize(copy, 13, 17)
    assert size_seen(kernel_source=copy) == 17


@pytest.mark.parametrize("way", ["option", "variable"])
def test_a_directory_without_headers_is_named_with_what_helps(tmp_path, monkeypatch, way):
    def said(directory):
        monkeypatch.setenv("BCC_KERNEL_SOURCE", str(directory))
        return refused(**({"kernel_source": directory} if way == "option" else {}))

    release = Path("/proc/sys/kernel/osrelease").read_text().strip()
    absent, empty = said(tmp_path / "absent"), said(tmp_path)
    where = "(BCC_KERNEL_SOURCE or kernel_source)"
    assert f"{tmp_path}/absent {where} does not exist" in absent
    assert f"{tmp_path} {where} has no kernel headers: there is no include/linux/kconfig.h" in empty
    for message in (absent, empty):
        assert "Name none to use the kernel's own types" in message
        assert release in message, "what to install is this kernel's"
        if Path("/etc/debian_version").exists():
            assert f"apt-get install linux-headers-{release}" in message
