BPF_ARRAY(out, u64, 4);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct __sk_buff *skb)
{
	u8 *cursor = 0;
	void *first = cursor_advance(cursor, 14);
	void *second = cursor_advance(cursor, 20);

	put(0, (u64)first);
	put(1, (u64)second);
	put(2, (u64)cursor);
	return 0;
}
