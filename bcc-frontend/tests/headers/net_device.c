#include <linux/netdevice.h>
#include <linux/if.h>
int f(struct pt_regs *ctx, struct net_device *dev) { char n[IFNAMSIZ] = {}; bpf_probe_read_kernel(&n, sizeof(n), dev->name); return dev->ifindex + (dev->flags & IFF_UP) + dev_net(dev)->ns.inum; }
