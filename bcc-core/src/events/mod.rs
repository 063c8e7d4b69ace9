//! Perf buffers and ring buffers: mapped, polled, decoded to bytes.
