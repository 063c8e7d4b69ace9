/* The length is any 16-bit number, so the verifier asks for that much room. */
struct text { char chars[65536]; };
BPF_ARRAY(texts, struct text, 1);

TRACEPOINT_PROBE(sched, sched_process_exec)
{
	int at = 0;
	struct text *text = texts.lookup(&at);

	if (bpf_get_current_pid_tgid() >> 32 != CHILD || !text)
		return 0;
	TP_DATA_LOC_READ(text->chars, filename);
	return 0;
}
