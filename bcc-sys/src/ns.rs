//! Namespaces of other processes.
