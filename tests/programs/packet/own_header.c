#include <bcc/proto.h>

struct mine_t {
	unsigned char version : 3;
	unsigned char kind : 5;
	unsigned short length;
	unsigned int id;
} BPF_PACKET_HEADER;

int prog(struct __sk_buff *skb)
{
	u8 *cursor = 0;
	struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
	struct mine_t *mine = cursor_advance(cursor, sizeof(*mine));

	if (mine->version != 5 || mine->kind != 17)
		return 1;
	mine->kind = 18;
	return mine->length + mine->id;
}
