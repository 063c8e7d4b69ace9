BPF_ARRAY(out, u64, 8);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct __sk_buff *skb)
{
	put(0, load_byte(skb, 20));
	put(1, load_half(skb, 20));
	put(2, load_word(skb, 20));
	put(3, load_dword(skb, 20));
	return 0;
}
