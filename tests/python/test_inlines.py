"""Inline functions of kernel headers, in programs that read live kernel objects, against what the
system itself says of these objects.

The programs are run as raw tracepoints by the kernel's test facility, on a file descriptor of this
process; the block layer's are attached.
"""

import contextlib
import ctypes as ct
import os
import signal
import socket
import struct
import sys
from pathlib import Path

import pytest
from bcc import BPF

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "dialect"))

import kernel  # noqa: E402

PROGRAM = """
#include <linux/sched.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <net/sock.h>
#include <net/inet_sock.h>
#include <net/tcp.h>
BPF_ARRAY(out, u64, 16);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int f(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct file *file = task->files->fdt->fd[ctx->args[0]];
	BODY
	return 0;
}
"""
SOCKET = "struct sock *sk = ((struct socket *)file->private_data)->sk; "
QUEUED = SOCKET + "struct sk_buff *skb = sk->sk_receive_queue.next; "


def values(body, count, fd=0):
    """What `body` puts at the first places, run on the file `fd`."""
    context = struct.pack("12Q", fd, *[0] * 11)
    with BPF(text=PROGRAM.replace("BODY", body)) as b:
        kernel.run(b.load_func("f", BPF.RAW_TRACEPOINT).fd, ctx=context)
        return [b["out"][at].value for at in range(count)]


def test_tasks_are_what_proc_says(tmp_path):
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cpus)})
    try:
        body = """
        put(0, task_cpu(task)); put(1, task_nice(task)); put(2, pid_nr(task_pgrp(task)));
        put(3, pid_nr(task_session(task))); put(4, pid_alive(task)); put(5, is_idle_task(task));
        put(6, thread_group_leader(task)); put(7, task_is_running(task));
        put(8, same_thread_group(task, task->real_parent)); put(9, task_thread_info(task)->flags == -1);
        put(10, task_stack_page(task) == task->stack);
        """
        told = values(body, 11)
    finally:
        os.sched_setaffinity(0, cpus)
    nice = os.getpriority(os.PRIO_PROCESS, 0) & (1 << 64) - 1
    assert told == [max(cpus), nice, os.getpgrp(), os.getsid(0), 1, 0, 1, 1, 0, 0, 1]


def test_directories_are_told_from_files(tmp_path):
    body = """
    struct dentry *entry = file->f_path.dentry;
    put(0, d_is_dir(entry)); put(1, d_is_reg(entry)); put(2, d_is_negative(entry));
    put(3, sb_rdonly(entry->d_sb));
    """
    with open(tmp_path / "file", "w") as file:
        assert values(body, 4, file.fileno()) == [0, 1, 0, 0]
    directory = os.open(tmp_path, os.O_RDONLY)
    try:
        assert values(body, 4, directory) == [1, 0, 0, 0]
    finally:
        os.close(directory)


def test_queues_of_sockets_are_what_is_sent():
    with socket.socket(type=socket.SOCK_DGRAM) as to, socket.socket(type=socket.SOCK_DGRAM) as by:
        to.bind(("127.0.0.1", 0))
        for _ in range(3):
            by.sendto(b"x", to.getsockname())
        body = """
        put(0, skb_queue_len(&sk->sk_receive_queue)); put(1, skb_shared(skb)); put(2, skb_cloned(skb));
        put(3, skb_transport_offset(skb) - skb_network_offset(skb)); put(4, sk_rmem_alloc_get(sk) > 3);
        put(5, sk_wmem_alloc_get(sk));
        """
        assert packet(body, 6, to) == [3, 0, 0, 20, 1, 0]
    with socket.socket() as listener, socket.socket() as client:
        listener.bind(("127.0.0.1", 0))
        body = SOCKET + "put(0, sk_acceptq_is_full(sk));"
        listener.listen(0)
        assert values(body, 1, listener.fileno()) == [0]
        client.connect(listener.getsockname())
        assert values(body, 1, listener.fileno()) == [1]
        window = struct.unpack_from("I", client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 80)[0]
        body = """
        put(0, tcp_snd_cwnd(tcp_sk(sk))); put(1, tcp_in_slow_start(tcp_sk(sk)));
        put(2, netdev_name(sk->sk_dst_cache->dev)[0]);
        """
        assert values(SOCKET + body, 3, client.fileno()) == [window, 1, ord("l")]


def test_memory_is_set_copied_and_compared_without_an_include():
    body = """
    char text[8];
    memset(text, 'a', sizeof(text));
    memcpy(text, "xyz", 3);
    memmove(text + 1, text, 3);
    put(0, *(u64 *)text);
    put(1, memcmp(text, "xxyzaaaa", 8) == 0);
    put(2, memcmp(text, "xxyzaaab", 8) == 0);
    put(3, strlen("four"));
    """
    assert values(body, 4) == [int.from_bytes(b"xxyzaaaa", sys.byteorder), 1, 0, 4]


def test_addresses_and_headers_of_packets_are_told_apart():
    body = """
    struct in6_addr first = {}, second = {};
    u8 mac[6] = {1, 2, 3, 4, 5, 6}, other[6] = {1, 2, 3, 4, 5, 7}, all[6], none[6] = {};
    struct iphdr ip = {.frag_off = htons(IP_DF)};
    struct tcphdr tcp = {.syn = 1};
    first.s6_addr[15] = 1;
    memset(all, 0xff, sizeof(all));
    put(0, ipv6_addr_loopback(&first) << 1 | ipv6_addr_loopback(&second));
    put(1, ipv6_addr_equal(&first, &second) << 1 | ipv6_addr_equal(&first, &first));
    put(2, ipv6_addr_cmp(&first, &second) > 0);
    put(3, is_multicast_ether_addr(mac) << 1 | is_multicast_ether_addr(none));
    put(4, is_broadcast_ether_addr(all) << 1 | is_broadcast_ether_addr(mac));
    put(5, ether_addr_equal(mac, other) << 1 | ether_addr_equal(mac, mac));
    put(6, is_zero_ether_addr(none) << 1 | is_zero_ether_addr(mac));
    put(7, ip_is_fragment(&ip));
    ip.frag_off = htons(IP_MF);
    put(8, ip_is_fragment(&ip));
    put(9, (tcp_flag_word(&tcp) & TCP_FLAG_SYN) != 0);
    put(10, (tcp_flag_word(&tcp) & TCP_FLAG_ACK) != 0);
    put(11, NEXTHDR_ICMP); put(12, NEXTHDR_FRAGMENT);
    """
    headers = [socket.IPPROTO_ICMPV6, socket.IPPROTO_FRAGMENT]
    assert values(body, 13) == [2, 1, 1, 2, 2, 1, 2, 0, 1, 1, 0, *headers]


def test_numbers_are_extended_and_hashed_as_the_kernel_does():
    body = """
    put(0, sign_extend32(0x8, 3));
    put(1, sign_extend64(0x7, 3));
    put(2, hash_32(1, 32));
    put(3, hash_64(1, 32));
    put(4, hash_32(5, 10));
    put(5, task_ppid_nr(task));
    """
    # The multipliers are 2^32 and 2^64 by the square of the golden ratio.
    ratio = (3 - 5**0.5) / 2
    extended, seven, low, high, short, parent = values(body, 6)
    assert (extended, seven) == ((1 << 64) - 8, 7)
    assert abs(low / 2**32 - ratio) < 1e-9 and abs(high / 2**32 - ratio) < 1e-9
    assert short == (5 * low % 2**32) >> 22
    assert parent == os.getppid()


def test_files_lead_to_their_inodes(tmp_path):
    with open(tmp_path / "file", "w") as file:
        status = os.fstat(file.fileno())
        body = """
        put(0, file_inode(file)->i_ino);
        put(1, d_inode(file->f_path.dentry)->i_ino);
        put(2, d_backing_inode(file->f_path.dentry)->i_ino);
        put(3, S_ISREG(file_inode(file)->i_mode));
        put(4, container_of(&file->f_path, struct file, f_path) == file);
        put(5, i_size_read(file_inode(file)));
        """
        file.write("12345")
        file.flush()
        assert values(body, 6, file.fileno()) == [status.st_ino] * 3 + [1, 1, 5]


def test_tasks_lead_to_their_identifiers_and_children():
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    try:
        body = """
        put(0, task_pid(task)->numbers[0].nr);
        put(1, task_tgid(task)->numbers[0].nr);
        put(2, task_pid_nr(task));
        put(3, list_entry(task->children.prev, struct task_struct, sibling)->pid);
        put(4, READ_ONCE(task->tgid));
        put(5, atomic_read(&task->signal->sigcnt.refs) == task->signal->sigcnt.refs.counter);
        put(6, task_active_pid_ns(task)->ns.inum);
        """
        found = values(body, 7)
        pid = os.getpid()
        assert found[4] == pid
        # In a namespace of their own, processes have other numbers in the first one.
        namespace = os.stat("/proc/self/ns/pid").st_ino
        if namespace == 0xEFFFFFFC:
            assert found[:4] == [pid, pid, pid, child]
        assert found[5:] == [1, namespace]
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_errors_in_pointers_are_told():
    body = """
    void *bad = (void *)(long)-2, *good = file;
    put(0, IS_ERR(bad)); put(1, IS_ERR(good)); put(2, -PTR_ERR(bad));
    put(3, IS_ERR_OR_NULL(0)); put(4, IS_ERR_OR_NULL(good)); put(5, ERR_PTR(-2) == bad);
    """
    assert values(body, 6) == [1, 0, 2, 1, 0, 1]


@contextlib.contextmanager
def connected(family, address):
    """Two connected TCP sockets."""
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen()
        with socket.socket(family) as client:
            client.connect(listener.getsockname())
            server, _ = listener.accept()
            with server:
                yield client, server


def test_sockets_of_tcp_are_what_their_owner_sees():
    with connected(socket.AF_INET, "127.0.0.1") as (client, server):
        info = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        # struct tcp_info: tcpi_snd_mss, tcpi_snd_cwnd.
        mss, cwnd = struct.unpack_from("=I", info, 16)[0], struct.unpack_from("=I", info, 80)[0]
        body = SOCKET + """
        put(0, ntohs(inet_sk(sk)->inet_sport)); put(1, ntohs(inet_sk(sk)->inet_dport));
        put(2, tcp_sk(sk)->mss_cache); put(3, tcp_sk(sk)->snd_cwnd);
        put(4, sock_net(sk)->ns.inum); put(5, sk->sk_state);
        put(6, inet_csk(sk)->icsk_inet.sk.sk_num); put(7, sk_fullsock(sk));
        """
        ports = [client.getsockname()[1], client.getpeername()[1]]
        namespace = os.stat("/proc/self/ns/net").st_ino
        expected = [*ports, mss, cwnd, namespace, 1, ports[0], 1]
        assert values(body, 8, client.fileno()) == expected


def packet(skb_body, count, sock):
    return values(QUEUED + skb_body, count, sock.fileno())


LOOPBACK = struct.unpack("=I", socket.inet_aton("127.0.0.1"))[0]


def test_headers_of_a_udp_packet_are_found():
    with socket.socket(type=socket.SOCK_DGRAM) as to, socket.socket(type=socket.SOCK_DGRAM) as by:
        to.bind(("127.0.0.1", 0))
        by.sendto(b"x" * 100, to.getsockname())
        body = """
        put(0, ip_hdr(skb)->saddr); put(1, ip_hdr(skb)->protocol);
        put(2, ntohs(udp_hdr(skb)->dest)); put(3, ntohs(udp_hdr(skb)->source));
        put(4, ntohs(udp_hdr(skb)->len)); put(5, ntohs(eth_hdr(skb)->h_proto));
        put(6, skb_transport_header(skb) - skb_network_header(skb));
        put(7, skb_network_header(skb) - skb_mac_header(skb));
        """
        ports = [to.getsockname()[1], by.getsockname()[1]]
        assert packet(body, 8, to) == [LOOPBACK, socket.IPPROTO_UDP, *ports, 108, 0x800, 20, 14]


def test_headers_of_a_tcp_segment_are_found():
    with connected(socket.AF_INET, "127.0.0.1") as (client, server):
        client.send(b"y" * 77)
        body = """
        put(0, ip_hdr(skb)->daddr); put(1, ntohs(tcp_hdr(skb)->dest));
        put(2, ntohs(tcp_hdr(skb)->source)); put(3, tcp_hdr(skb)->psh); put(4, skb->len);
        """
        ports = [server.getsockname()[1], client.getsockname()[1]]
        assert packet(body, 5, server) == [LOOPBACK, *ports, 1, 77]


def test_headers_of_ipv6_are_found():
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("this kernel has no IPv6")
    with connected(socket.AF_INET6, "::1") as (client, server):
        client.send(b"z")
        body = """
        put(0, ipv6_hdr(skb)->version); put(1, ipv6_hdr(skb)->nexthdr);
        put(2, ipv6_hdr(skb)->saddr.s6_addr[15]); put(3, ntohs(tcp_hdr(skb)->dest));
        """
        expected = [6, socket.IPPROTO_TCP, 1, server.getsockname()[1]]
        assert packet(body, 4, server) == expected


def test_the_header_of_an_icmp_message_is_found():
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        # Destination unreachable: nobody answers, and the message itself comes back to this socket.
        raw.sendto(struct.pack("!BBHI", 3, 1, 0xFCFE, 0), ("127.0.0.1", 0))
        body = "put(0, icmp_hdr(skb)->type); put(1, icmp_hdr(skb)->code); put(2, skb->len);"
        assert packet(body, 3, raw) == [3, 1, 28]


BLOCK = """
#include <linux/blkdev.h>
#include <linux/blk-mq.h>
#include <linux/bio.h>
struct seen { u64 bytes, op, bio_op, sector, sectors, is_write; };
BPF_ARRAY(own, struct seen, 1);
BPF_ARRAY(told, struct seen, 1);

RAW_TRACEPOINT_PROBE(block_rq_issue)
{
	struct request *rq = (struct request *)ctx->args[0];
	int zero = 0;
	struct seen *seen = own.lookup(&zero);

	if (bpf_get_current_pid_tgid() >> 32 != PID || !seen || req_op(rq) != REQ_OP_WRITE)
		return 0;
	seen->bytes = blk_rq_bytes(rq);
	seen->op = req_op(rq);
	seen->bio_op = bio_op(rq->bio);
	seen->sector = blk_rq_pos(rq);
	seen->sectors = blk_rq_sectors(rq);
	seen->is_write = op_is_write(req_op(rq)) && bio_data_dir(rq->bio) == WRITE;
	return 0;
}

TRACEPOINT_PROBE(block, block_rq_issue)
{
	int zero = 0;
	struct seen *seen = told.lookup(&zero);

	if (bpf_get_current_pid_tgid() >> 32 != PID || !seen || args->rwbs[0] != 'W')
		return 0;
	seen->bytes = args->bytes;
	seen->sector = args->sector;
	seen->sectors = args->nr_sector;
	return 0;
}
"""


def test_block_requests_are_what_the_tracepoint_says(tmp_path):
    if not Path(f"/sys/dev/block/{os.major(tmp_path.stat().st_dev)}:0").exists():
        pytest.skip("files here are on no block device")
    with BPF(text=BLOCK, cflags=[f"-DPID={os.getpid()}"]) as b:
        fd = os.open(tmp_path / "direct", os.O_CREAT | os.O_WRONLY | os.O_DIRECT)
        buffer = ct.create_string_buffer(3 * 4096)
        start = -ct.addressof(buffer) % 4096
        try:
            # A busy disk's requests are issued by a thread of the kernel's, later.
            for _ in range(100):
                os.pwritev(fd, [memoryview(buffer)[start : start + 8192]], 0)
                if b["own"][0].bytes:
                    break
        finally:
            os.close(fd)
        own, told = b["own"][0], b["told"][0]
    assert (own.bytes, own.sector, own.sectors) == (told.bytes, told.sector, told.sectors)
    assert (own.bytes, own.op, own.bio_op, own.is_write) == (8192, 1, 1, 1)
