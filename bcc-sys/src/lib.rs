//! Kernel ABIs and RAII over them: `bpf(2)`, perf events, mapped rings, netlink, packet sockets, BTF. No policy, no LLVM.

pub mod bpf;
pub mod btf;
pub mod epoll;
mod error;
pub mod mmap;
pub mod netlink;
pub mod ns;
pub mod packet;
pub mod perf;
mod pod;
pub mod process;

pub use error::SysError;
pub use pod::Pod;
