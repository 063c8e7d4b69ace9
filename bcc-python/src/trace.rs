//! Lines of the kernel's trace pipe.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Columns of the task's name in a line.
const TASK_WIDTH: usize = 16;

/// A line's parts: task, pid, cpu, flags, seconds, message.
type Fields<'a> = (&'a [u8], i64, i64, &'a [u8], f64, &'a [u8]);
/// The same as Python has it.
type PyFields<'py> = (Bound<'py, PyBytes>, i64, i64, Bound<'py, PyBytes>, f64, Bound<'py, PyBytes>);

/// Splits `comm-pid [cpu] flags seconds: function: message`; `None` for any other line.
fn split(line: &[u8]) -> Option<Fields<'_>> {
    let (task, rest) = (line.get(..TASK_WIDTH)?, line.get(TASK_WIDTH + 1..)?);
    let head_end = rest.iter().position(|&b| b == b':')?;
    let (head, rest) = (rest.get(..head_end)?, rest.get(head_end + 1..)?);
    let mut words = head.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (pid, cpu, flags, seconds) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let cpu = cpu.strip_prefix(b"[")?.strip_suffix(b"]")?;
    // The function's name, or a bare address, ends at the next colon.
    let message = match rest.iter().position(|&b| b == b':') {
        Some(end) => rest.get(end + 2..).unwrap_or_default(),
        None => rest,
    };
    let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse().ok();
    let seconds = std::str::from_utf8(seconds).ok()?.parse().ok()?;
    words.next().is_none().then_some(())?;
    Some((task.trim_ascii_start(), number(pid)?, number(cpu)?, flags, seconds, message))
}

/// (task, pid, cpu, flags, seconds, message) of a trace line, or None when it is not one.
#[pyfunction]
pub(crate) fn parse_trace_line<'py>(py: Python<'py>, line: &[u8]) -> Option<PyFields<'py>> {
    let (task, pid, cpu, flags, seconds, message) = split(line)?;
    let bytes = |slice| PyBytes::new(py, slice);
    Some((bytes(task), pid, cpu, bytes(flags), seconds, bytes(message)))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_line_gives_its_six_fields() {
        let line =
            b"          <idle>-0       [003] d.h3.  1234.567890: bpf_trace_printk: hi: there";
        let (task, pid, cpu, flags, seconds, message) = split(line).expect("a trace line");
        assert_eq!((task, pid, cpu, flags), (&b"<idle>"[..], 0, 3, &b"d.h3."[..]));
        assert!((seconds - 1234.567_89).abs() < 1e-9);
        assert_eq!(message, b"hi: there");
    }

    #[test]
    fn other_lines_are_none() {
        for line in
            [&b""[..], b"CPU:0 [LOST 5 EVENTS]", b"# tracer: nop, a comment: of some length"]
        {
            assert_eq!(split(line), None, "{}", String::from_utf8_lossy(line));
        }
    }
}
