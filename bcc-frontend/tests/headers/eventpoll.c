#include <linux/eventpoll.h>
#include <linux/poll.h>
int f(struct pt_regs *ctx, struct epoll_event *e) { return e->events & EPOLL_CLOEXEC; }
