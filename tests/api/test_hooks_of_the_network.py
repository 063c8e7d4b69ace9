"""Interfaces, sockets, cgroups: what programs are attached to by descriptor or device."""

import os
import socket
import subprocess

import bcc
import pytest
from bcc import BPF, BPFAttachType, BPFProgType, XDPFlags


@pytest.fixture
def link_pair():
    """An interface pair of the test's own, in this namespace."""
    names = [f"bccA{os.getpid() % 100000}", f"bccB{os.getpid() % 100000}"]
    made = subprocess.run(
        ["ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1]],
        capture_output=True,
        text=True,
    )
    if made.returncode:
        pytest.skip(f"no veth here: {made.stderr.strip()}")
    for name in names:
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
    yield names[0]
    subprocess.run(["ip", "link", "del", names[0]], check=True)


def _attached(dev):
    return subprocess.run(
        ["ip", "-d", "link", "show", dev], capture_output=True, text=True, check=True
    ).stdout


def test_xdp(link_pair, row):
    with BPF(text=b"int f(struct xdp_md *ctx) { return XDP_PASS; }") as b:
        f = b.load_func(b"f", BPF.XDP)
        BPF.attach_xdp(link_pair, f, XDPFlags.SKB_MODE)
        assert "xdpgeneric" in _attached(link_pair)
        row("BPF.attach_xdp SKB_MODE", "xdpgeneric")
        BPF.remove_xdp(link_pair, XDPFlags.SKB_MODE)
        assert "xdp" not in _attached(link_pair)
        row("BPF.remove_xdp", "no xdp")
        BPF.attach_xdp(link_pair, f, 0)
        assert "xdp" in _attached(link_pair)
        BPF.remove_xdp(link_pair, 0)
        row("BPF.attach_xdp native", "xdp")
        link = f.attach_xdp_link(link_pair)
        assert "xdp" in _attached(link_pair)
        link.detach()
        assert "xdp" not in _attached(link_pair)
        row("Function.attach_xdp_link (own)", "on, then off")
        with pytest.raises(bcc.AttachError, match="Failed to attach BPF to device no_such"):
            BPF.attach_xdp(b"no_such", f)


def refusal(error, action, *arguments):
    """What the refused action says."""
    with pytest.raises(error) as caught:
        action(*arguments)
    return str(caught.value)


# No driver here offloads programs: what can be seen is that the mode is passed on, and what is said then.
def test_modes_of_xdp_that_cannot_be_had(link_pair, row):
    unable = "the device cannot run programs in hardware"
    with BPF(text=b"int f(struct xdp_md *ctx) { return XDP_PASS; }") as b:
        f = b.load_func(b"f", BPF.XDP)
        for device, errno in ((link_pair, "EINVAL"), ("lo", "EOPNOTSUPP")):
            for attach in (BPF.attach_xdp, lambda dev, fn, flags: fn.attach_xdp_link(dev, flags)):
                said = refusal(bcc.AttachError, attach, device, f, XDPFlags.HW_MODE)
                assert f"{device} in XDP_FLAGS_HW_MODE: " in said and errno in said and unable in said
        row("BPF.attach_xdp HW_MODE", f"EINVAL, {unable}")
        said = refusal(bcc.AttachError, BPF.attach_xdp, "lo", f, XDPFlags.DRV_MODE)
        assert "lo in XDP_FLAGS_DRV_MODE: " in said and "has no native XDP" in said
        row("BPF.attach_xdp DRV_MODE without a driver's help", "EOPNOTSUPP, named")
        two = XDPFlags.SKB_MODE | XDPFlags.DRV_MODE
        for action in ((BPF.attach_xdp, "lo", f, two), (BPF.remove_xdp, "lo", two)):
            assert "SKB_MODE and XDP_FLAGS_DRV_MODE: only one mode" in refusal(bcc.AttachError, *action)
        row("BPF.attach_xdp of two modes", "only one mode can be asked for")
        BPF.attach_xdp(link_pair, f, XDPFlags.DRV_MODE)
        assert " xdp " in _attached(link_pair)
        with pytest.raises(bcc.AttachError, match="another XDP program"):
            BPF.attach_xdp(link_pair, f, XDPFlags.DRV_MODE | XDPFlags.UPDATE_IF_NOEXIST)
        row("BPF.attach_xdp UPDATE_IF_NOEXIST", "EBUSY")
        BPF.remove_xdp(link_pair, XDPFlags.DRV_MODE)
        assert "xdp" not in _attached(link_pair)
        row("BPF.attach_xdp, remove_xdp DRV_MODE", "xdp, then none")
    with BPF(text=b"int f(struct xdp_md *ctx) { return XDP_PASS; }", device=link_pair.encode()) as b:
        said = refusal(bcc.LoadError, b.load_func, b"f", BPF.XDP, link_pair.encode())
        assert said == f"Failed to load BPF program f: Invalid argument ({unable})"
        row("BPF(device=), load_func(device=)", said)


def test_tc(link_pair, row):
    with BPF(text=b"int f(struct __sk_buff *skb) { return 0; }") as b:
        f = b.load_func(b"f", BPF.SCHED_CLS)
        link = f.attach_tc(link_pair, "egress", clsact=True)
        shown = ["tc", "filter", "show", "dev", link_pair, "egress"]
        assert " f " in subprocess.run(shown, capture_output=True, text=True).stdout
        link.detach()
        assert subprocess.run(shown, capture_output=True, text=True).stdout == ""
        row("Function.attach_tc clsact (own)", "shown by tc, then gone")
        if bcc._native.supports("tcx"):
            f.attach_tc(link_pair).detach()
            row("Function.attach_tc tcx (own)", "attached, detached")


def test_pyroute2(link_pair, row):
    pyroute2 = pytest.importorskip("pyroute2")
    with BPF(text=b"int f(struct __sk_buff *skb) { return 0; }") as b:
        f = b.load_func(b"f", BPF.SCHED_CLS)
        with pyroute2.IPRoute() as ip:
            index = ip.link_lookup(ifname=link_pair)[0]
            ip.tc("add", "clsact", index)
            ip.tc(
                "add-filter", "bpf", index, ":1", fd=f.fd, name=f.name, parent="ffff:fff2",
                classid=1, direct_action=True,
            )
            shown = ["tc", "filter", "show", "dev", link_pair, "ingress"]
            out = subprocess.run(shown, capture_output=True, text=True).stdout
            assert "direct-action" in out
    row("pyroute2 with fn.fd", "direct-action")


def test_raw_socket(row):
    with BPF(text=b"int f(struct __sk_buff *skb) { return -1; }") as b:
        f = b.load_func(b"f", BPF.SOCKET_FILTER)
        BPF.attach_raw_socket(f, b"lo")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(b"x" * 9, ("127.0.0.1", 9))
        assert len(os.read(f.sock, 2048)) > 0 and not os.get_blocking(f.sock)
        os.close(f.sock)
    row("BPF.attach_raw_socket", "a packet read, non-blocking")


def test_attach_func(row, tmp_path):
    subprocess.run(["mount", "-t", "cgroup2", "none", str(tmp_path)], check=True)
    try:
        group = tmp_path / f"bcc_api_{os.getpid()}"
        group.mkdir()
        fd = os.open(group, os.O_RDONLY)
        for prog_type, attach_type, arg, name in (
            (BPFProgType.CGROUP_SKB, BPFAttachType.CGROUP_INET_EGRESS, "__sk_buff", "cgroup_skb"),
            (BPFProgType.CGROUP_SOCK, BPFAttachType.CGROUP_INET_SOCK_CREATE, "bpf_sock", "cgroup_sock"),
            (BPFProgType.SOCK_OPS, BPFAttachType.CGROUP_SOCK_OPS, "bpf_sock_ops", "sock_ops"),
            (BPFProgType.CGROUP_DEVICE, BPFAttachType.CGROUP_DEVICE, "bpf_cgroup_dev_ctx", "cgroup_device"),
        ):
            with BPF(text=b"int f(struct %s *ctx) { return 1; }" % arg.encode()) as b:
                f = b.load_func(b"f", prog_type)
                b.attach_func(f, fd, attach_type)
                b.detach_func(f, fd, attach_type)
                with pytest.raises(Exception, match="Failed to detach"):
                    b.detach_func(f, fd, attach_type)
                row(f"BPF.attach_func {name}", "attached, detached once")
        os.close(fd)
        group.rmdir()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
