"""Text and argument conversions that tools share."""

import os
import sys

FILESYSTEMENCODING = sys.getfilesystemencoding()

# Interpreters whose probes `lib/u*` tools know, as `bcc.utils.detect_language` names them.
_LANGUAGES = ("java", "node", "perl", "php", "python", "ruby")


def get_online_cpus():
    """Indices of the CPUs that are online now, ascending."""
    from . import _native

    return _native.online_cpus()


def get_possible_cpus():
    """Indices of the CPUs that can ever come online, ascending."""
    from . import _native

    return _native.possible_cpus()


def detect_language(candidates, pid):
    """Which of `candidates` process `pid` runs (`c` when it is no known interpreter), or None."""
    from . import _native

    language = _native.process_language(pid) or "c"
    return language if language in candidates else None


def printb(s, file=sys.stdout, nl=1):
    """Writes bytes to a text stream's buffer, with a newline unless `nl` is 0, and flushes."""
    buf = file.buffer if hasattr(file, "buffer") else file
    buf.write(s)
    if nl:
        buf.write(b"\n")
    file.flush()


class ArgString:
    """A command line value that is text for formatting and bytes for the library."""

    def __init__(self, arg):
        self.arg = arg

    def __str__(self):
        return self.arg

    def __bytes__(self):
        return self.arg.encode(FILESYSTEMENCODING)


def warn_with_traceback(message, category, filename, lineno, file=None, line=None):
    """A `warnings.showwarning` that prints the stack first."""
    import traceback
    import warnings

    log = file if hasattr(file, "write") else sys.stderr
    traceback.print_stack(f=sys._getframe(2), file=log)
    log.write(warnings.formatwarning(message, category, filename, lineno, line))


def _assert_is_bytes(arg):
    """`arg` as bytes: None and bytes as they are, all else encoded with a DeprecationWarning."""
    if arg is None or type(arg) is bytes:
        return arg
    if isinstance(arg, bytes):
        return arg
    import warnings

    warnings.warn(f"not a bytes object: {arg!r}", DeprecationWarning, 2)
    return _strict_bytes(arg)


def _strict_bytes(arg):
    """`arg` as bytes; anything but bytes, text and what knows `bytes()` is a TypeError."""
    if isinstance(arg, bytes):
        return arg
    if isinstance(arg, (ArgString, bytearray)):
        return bytes(arg)
    return os.fsencode(arg)


_STREQ = """
static inline bool %s(char const *ignored, uintptr_t str) {
        char needle[] = "%s";
        char haystack[sizeof(needle)] = {};
        %s(&haystack, sizeof(haystack), (void *)str);
        for (int i = 0; i < sizeof(needle) - 1; ++i) {
                if (needle[i] != haystack[i]) {
                        return false;
                }
        }
        return true;
}
"""


class StrcmpRewrite:
    """Turns `STRCMP("text", expr)` of a tool's filter into a call of a generated C function."""

    @staticmethod
    def rewrite_expr(expr, bin_cmp, is_user, probe_user_list, streq_functions, probeid):
        """Rewrites every `STRCMP("text", e)` in `expr` to `streq_N("text", (uintptr_t)(e))`.

        `e` is read from user memory when `is_user` is set or `e` is in `probe_user_list`. With
        `bin_cmp` the closing quote of the text may be escaped by a backslash, as shells hand it on.
        Returns a dict: the new `expr`, `streq_functions` with the C functions appended, and
        `probeid` advanced by one per function.
        """
        import re

        quote = r'\\?"' if bin_cmp else '"'
        call = re.compile(rf"STRCMP\(\s*{quote}((?:[^\"\\]|\\[^\"])*){quote}\s*,")
        while True:
            match = call.search(expr)
            if match is None:
                break
            end = _closing_parenthesis(expr, match.end())
            arg = expr[match.end() : end].strip()
            reader = "bpf_probe_read"
            if is_user or arg in probe_user_list:
                reader = "bpf_probe_read_user"
            name = f"streq_{probeid}"
            probeid += 1
            text = match.group(1)
            streq_functions += _STREQ % (name, text, reader)
            expr = f'{expr[: match.start()]}{name}("{text}", (uintptr_t)({arg})){expr[end + 1 :]}'
        return {"expr": expr, "streq_functions": streq_functions, "probeid": probeid}


def _closing_parenthesis(text, start):
    """Index of the `)` that closes the call whose argument begins at `start`."""
    depth = 1
    for index in range(start, len(text)):
        if text[index] == "(":
            depth += 1
        elif text[index] == ")":
            depth -= 1
            if depth == 0:
                return index
    raise ValueError(f"unbalanced parentheses in {text!r}")
