//! `perf_event_open(2)`.
