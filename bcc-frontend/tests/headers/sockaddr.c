#include <linux/socket.h>
#include <linux/in.h>
#include <linux/in6.h>
int f(struct pt_regs *ctx, struct sockaddr *addr) { struct sockaddr_in *in = (void *)addr; struct sockaddr_in6 *in6 = (void *)addr; struct sockaddr_storage s = {}; return addr->sa_family == AF_INET ? in->sin_port + in->sin_addr.s_addr : in6->sin6_port + in6->sin6_addr.s6_addr32[0] + s.ss_family; }
