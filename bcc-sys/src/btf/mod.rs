//! BPF Type Format: reading by type id, an index by name, writing.
