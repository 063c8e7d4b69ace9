struct tracepoint__own__event { u64 __do_not_use__; int value; };
int f(struct tracepoint__own__event *args) { return args->value; }
