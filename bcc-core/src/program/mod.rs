//! Programs: kinds, loading, verifier logs.
