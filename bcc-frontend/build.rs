//! Placeholder until the build needs a step.
fn main() {}
