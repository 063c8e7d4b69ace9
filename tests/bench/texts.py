"""C texts that any `bcc` takes: what tools of the kinds named need, in headers and in work.

No function has a name that is attached by itself, so that constructing is compiling and nothing else.
"""

from pathlib import Path


def text(name):
    """A text that `x bench stages` can include too."""
    return (Path(__file__).with_name("texts") / f"{name}.c").read_text()


HELLO = text("hello")

COLD = {
    "hello": HELLO,
    "sched.h": text("sched"),
    "opensnoop": text("opensnoop"),
    "offcputime": text("offcputime"),
    "biolatency": text("biolatency"),
    "runqlat": text("runqlat"),
    "tcpconnect": text("tcpconnect"),
    "tcptop": text("tcptop"),
}

# One event per getppid(2), of a program that needs much of the kernel's headers, or little.
EVENT = text("event")
EVENT_NET = "#include <net/sock.h>\n#include <net/tcp.h>\n" + EVENT

# Compiled before a text whose start is measured with the kernel's types known, and nothing else.
OTHER = HELLO.replace("hello", "other")
