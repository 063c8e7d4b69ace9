#include <linux/socket.h>
int syscall__bind(struct pt_regs *ctx, int fd, struct sockaddr *addr, int len) { struct sockaddr a = {}; bpf_probe_read_user(&a, sizeof(a), addr); return a.sa_family == AF_UNIX; }
