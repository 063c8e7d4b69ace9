#include <linux/socket.h>
#include <net/sock.h>
#include <linux/sched.h>
#define MAX_FD 10
int f(struct pt_regs *ctx, struct socket *sock, struct msghdr *hdr)
{
	struct cmsghdr _cmsg = {}, *cmsg = &_cmsg;
	if (hdr->msg_controllen < sizeof(_cmsg)) return 0;
	bpf_probe_read_kernel(&_cmsg, sizeof(_cmsg), hdr->msg_control);
	return cmsg->cmsg_type == SCM_RIGHTS && min_t(int, 3, MAX_FD);
}
