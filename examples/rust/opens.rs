//! Runs a command and prints the files it opens.
//!
//! ```text
//! $ cargo run --example opens -- cat /etc/hostname
//! cat              4211   /etc/ld.so.cache
//! ...
//! cat              4211   /etc/hostname
//! ```
//!
//! The C text is compiled by `bcc-compiler`, a process of its own that is started only when the
//! module is not in the cache yet: this program links no LLVM. Build it once with
//! `cargo build -p bcc-frontend`; it is looked for beside this program, and where `BCC_COMPILER` says.

#![expect(clippy::print_stdout, reason = "an example prints what it found")]

use bcc_core::Bpf;
use bcc_core::events::{Event, Poller};
use bcc_core::map::{Pod, pod_struct};
use std::ops::ControlFlow;
use std::process::Command;

const TEXT: &str = r#"
struct event {
    u32 pid;
    char comm[16];
    char file[128];
};
BPF_RINGBUF_OUTPUT(events, 16);
BPF_ARRAY(watched, u32, 1);             /* whose children to watch: set before anything runs */

TRACEPOINT_PROBE(syscalls, sys_enter_openat)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    int zero = 0;
    u32 *parent = watched.lookup(&zero);

    if (!parent || task->real_parent->tgid != *parent)   /* two reads of kernel memory */
        return 0;

    struct event *event = events.ringbuf_reserve(sizeof(*event));
    if (!event)
        return 0;
    event->pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(&event->comm, sizeof(event->comm));
    bpf_probe_read_user_str(event->file, sizeof(event->file), args->filename);
    events.ringbuf_submit(event, 0);
    return 0;
}
"#;

pod_struct! {
    /// `struct event` of the text.
    struct Opened {
        pid: u32,
        comm: [u8; 16],
        file: [u8; 128],
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let program = words.next().unwrap_or_else(|| "true".to_owned());

    let bpf = Bpf::from_text(TEXT)?;
    bpf.typed_map::<u32, u32>("watched")?.insert(&0, &std::process::id())?;
    let mut poller = Poller::new()?;
    bpf.open_ring_buffer(&mut poller, "events")?;

    Command::new(program).args(words).status()?;
    // All that the command did has happened: take what is there.
    poller.consume(|event| {
        if let Event::Sample { data, .. } = event
            && let Some(opened) = Opened::from_prefix(data)
        {
            println!("{:<16} {:<6} {}", text(&opened.comm), opened.pid, text(&opened.file));
        }
        ControlFlow::<()>::Continue(())
    })?;
    Ok(())
}

/// What a string's room holds up to its NUL.
fn text(room: &[u8]) -> String {
    let end = room.iter().position(|byte| *byte == 0).unwrap_or(room.len());
    String::from_utf8_lossy(&room[..end]).into_owned()
}
