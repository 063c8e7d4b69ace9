//! `bpf(2)`: one struct per command, one safe function per command.
