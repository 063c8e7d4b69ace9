//! What the running kernel tells of itself: symbols, CPUs, features, trace_pipe.
