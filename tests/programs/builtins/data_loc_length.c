struct text { char chars[64]; };
BPF_HASH(texts, u32, struct text);

TRACEPOINT_PROBE(sched, sched_process_exec)
{
	struct text text = {};
	u32 key = 0;
	u16 length = (u32)args->data_loc_filename >> 16;

	if (bpf_get_current_pid_tgid() >> 32 != CHILD || length > sizeof(text))
		return 0;
	TP_DATA_LOC_READ(text.chars, filename);
	texts.update(&key, &text);
	return 0;
}
