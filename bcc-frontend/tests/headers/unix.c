#include <net/af_unix.h>
#include <linux/un.h>
int f(struct pt_regs *ctx, struct sock *sk) { struct unix_sock *u = unix_sk(sk); return u->addr->len + u->addr->name->sun_path[0] + UNIX_PATH_MAX; }
