"""Programs below a root of their own, in mount and pid namespaces of their own."""

import os
import subprocess

import pytest
from bcc import BPF, USDT
from bcc.utils import detect_language

# The new root is a mount of its own; the old one goes away as far as the program can see.
ENTER = """
mount --bind "$ROOT" "$ROOT"
cd "$ROOT"
mkdir -p old tmp
pivot_root . old
exec /target
"""


def enter(root):
    """A command that runs `/target` below `root`, in namespaces of its own."""
    flags = ["-m", "-p", "-f", "--kill-child"]
    return ["env", "ROOT=%s" % root, "unshare", *flags, "sh", "-ec", ENTER]


def inner_pid(target):
    with open("/proc/%d/task/%d/children" % (target.pid, target.pid)) as children:
        return int(children.read())


@pytest.fixture
def root(tmp_path):
    directory = tmp_path / "root"
    directory.mkdir()
    return directory


def test_a_program_below_its_own_root_is_named(build, start, root):
    build("symbols.c", "-static", directory=root)
    target = start(enter(root), 3)
    pid = inner_pid(target)
    assert os.readlink("/proc/%d/exe" % pid) == "/target" and not os.path.exists("/target")
    for name, address in target.addresses.items():
        assert BPF._sym_cache(pid).resolve(address + 1, True) == (name.encode(), 1, b"/target")
        assert BPF._sym_cache(pid).resolve_name(b"/target", name.encode()) == address


@pytest.mark.parametrize("where", ["", ".debug/", "usr/lib/debug/"])
def test_its_debug_file_is_found_below_its_own_root(build, start, root, where):
    build("symbols.c", "-static", directory=root)
    debug = root / where / "target.debug"
    debug.parent.mkdir(parents=True, exist_ok=True)
    for words in (
        ["--only-keep-debug", root / "target", debug],
        ["--strip-all", "--remove-section=.note.gnu.build-id", root / "target"],
        ["--add-gnu-debuglink=%s" % debug, root / "target"],
    ):
        subprocess.run(["objcopy", *words], check=True)
    target = start(enter(root), 3)
    pid = inner_pid(target)
    for name, address in target.addresses.items():
        assert BPF._sym_cache(pid).resolve(address + 1, True) == (name.encode(), 1, b"/target")
        shown = BPF.sym(address, pid, show_source=True).decode()
        assert shown.startswith(name + " at ") and "symbols.c:" in shown


def test_its_perf_map_is_read_by_the_pid_it_knows(build, start, root):
    build("jit.c", "-static", directory=root)
    target = start(enter(root), 1)
    pid = inner_pid(target)
    assert (root / "tmp/perf-1.map").exists()
    assert BPF.sym(target.addresses["compiled"] + 3, pid, show_offset=True) == b"compiled function+0x3"


USDT_TEXT = """
struct event_t { u32 pid; s64 value; };
BPF_RINGBUF_OUTPUT(events, 8);
int on_counted(struct pt_regs *ctx) {
    struct event_t e = {};
    e.pid = bpf_get_current_pid_tgid() >> 32;
    bpf_usdt_readarg(1, ctx, &e.value);
    events.ringbuf_output(&e, sizeof(e), 0);
    return 0;
}
"""


def answer(target, number):
    """Lines of the program for one number."""
    target.say(str(number))
    lines = []
    while (line := target.line()) != ".":
        lines.append(line)
    return lines


@pytest.mark.parametrize("path", [None, b"/target"])
def test_its_static_probes_fire_with_their_semaphore(build, start, root, path):
    build("usdt/arguments.c", "usdt/library.c", "-static", directory=root)
    target = start(enter(root), 0)
    answer(target, 0)
    pid = inner_pid(target)
    usdt = USDT(pid=pid, path=path)
    usdt.enable_probe("args:counted", "on_counted")
    got = []
    with BPF(text=USDT_TEXT, usdt_contexts=[usdt]) as b:
        table = b["events"]

        def callback(ctx, data, size):
            event = table.event(data)
            got.append((event.pid, "counted %d" % event.value))

        table.open_ring_buffer(callback)
        said = [line for line in answer(target, 4711) if line.startswith("counted ")]
        while len(got) < len(said):
            b.ring_buffer_poll()
    assert got == [(pid, line) for line in said] == [(pid, "counted 4711")]


def test_its_own_library_is_probed_by_a_short_name(build, start, root):
    library, name = root / "lib", "libc_of_container.so"
    library.mkdir()
    soname = "-Wl,-soname," + name
    build("indirect_library.c", "-shared", "-fPIC", soname, output=name, directory=library)
    rpath = "-Wl,-rpath,/lib"
    build("indirect.c", str(library / name), rpath, directory=root)
    copy_libraries(root / "target", root)
    target = start(enter(root), 3)
    pid = inner_pid(target)
    assert BPF.find_library(b"c_of_container", pid) == b"/lib/libc_of_container.so"
    text = "BPF_ARRAY(count, u64, 1); int on_call(void *ctx) { count.increment(0); return 0; }"
    target.say("1")
    before = target.read(2)["calls"]
    with BPF(text=text) as b:
        b.attach_uprobe(name=b"c_of_container", sym=b"chosen", fn_name=b"on_call", pid=pid)
        target.say("7")
        assert target.read(2)["calls"] - before == b["count"][0].value == 7


def copy_libraries(binary, root):
    """The loader and the C library, under the paths that the loader looks for."""
    told = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    for word in told.split():
        if word.startswith("/") and "c_of_container" not in word and os.path.exists(word):
            place = root / word.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(open(word, "rb").read())
            place.chmod(0o755)


def test_languages_are_told_by_executable_and_libraries(build, start, root, tmp_path):
    target = start(build("symbols.c"), 3)
    assert detect_language(["c", "python"], target.pid) == "c"
    assert detect_language(["python"], target.pid) is None
    # In a container the executable's name is what it is there.
    build("symbols.c", "-static", directory=root)
    inside = start(enter(root), 3)
    assert detect_language(["c"], inner_pid(inside)) == "c"
    for name in ("java", "node", "perl", "php", "python", "ruby"):
        named = build("symbols.c", output=name + "3.9")
        assert detect_language(["c", name], start(named, 3).pid) == name
    # A program that only embeds an interpreter maps its library.
    library = build("indirect_library.c", "-shared", "-fPIC", output="libruby-3.1.so")
    embedding = build("indirect.c", library, "-Wl,-rpath," + str(tmp_path), output="server")
    assert detect_language(["ruby", "c"], start(embedding, 3).pid) == "ruby"
