int prog(struct __sk_buff *skb)
{
	bpf_store_byte(skb, 20, 0x1122334455667788);
	bpf_store_half(skb, 22, 0x1122334455667788);
	bpf_store_word(skb, 24, 0x1122334455667788);
	bpf_store_dword(skb, 28, 0x1122334455667788);
	return 0;
}
