#include <linux/fs.h>
#include <linux/uio.h>
BPF_HASH(seen, u32, u64);

KFUNC_PROBE(tty_write, struct kiocb *iocb, struct iov_iter *from)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	const struct iovec *vectors = from->VECTORS;
	u64 v = vectors->iov_len * 1000 + vectors[1].iov_len;

	/* Takes nothing but what the verifier knows. */
	if (bpf_sock_from_file(iocb->ki_filp))
		return 0;
	seen.update(&pid, &v);
	return 0;
}
