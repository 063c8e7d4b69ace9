#include <linux/bpf.h>
int f(struct sk_msg_md *msg) { return msg->remote_port ? SK_PASS : SK_DROP; }
