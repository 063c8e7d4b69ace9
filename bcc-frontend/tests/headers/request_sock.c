#include <net/inet_connection_sock.h>
#include <net/request_sock.h>
int f(struct pt_regs *ctx, struct request_sock *req) { struct inet_request_sock *i = inet_rsk(req); return i->ir_rmt_addr + i->ir_num + i->ir_rmt_port + req->rsk_listener->sk_num; }
