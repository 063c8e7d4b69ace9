int prog(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	u8 *p = data;

	if (data + 20 > end)
		return 1;
	return p[12] * 256 + p[13];
}
