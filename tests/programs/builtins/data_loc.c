struct text { char chars[64]; };
BPF_HASH(texts, u32, struct text);

TRACEPOINT_PROBE(sched, sched_process_exec)
{
	struct text text = {};
	u32 key = 0;

	if (bpf_get_current_pid_tgid() >> 32 != CHILD)
		return 0;
	TP_DATA_LOC_READ_STR(text.chars, filename, sizeof(text.chars));
	texts.update(&key, &text);
	key = 1;
	__builtin_memset(&text, 0, sizeof(text));
	TP_DATA_LOC_READ_CONST(text.chars, filename, 4);
	texts.update(&key, &text);
	return 0;
}
