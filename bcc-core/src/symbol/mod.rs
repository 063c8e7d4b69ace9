//! Addresses to names and names to addresses, of the kernel and of processes.
