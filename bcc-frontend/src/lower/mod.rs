//! The IR pass: loads through kernel pointers become probe reads, parameters become registers.
