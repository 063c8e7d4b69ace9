#include <bcc/proto.h>
#include <net/vxlan.h>
int f(struct __sk_buff *skb) { u8 *cursor = 0; struct vxlan_t *v = cursor_advance(cursor, sizeof(*v)); return v->key; }
