//! BPF instructions as text.
