"""USDT probes: finding, enabling and describing them."""

import os
import sys

from . import _native
from ._native import USDTException
from .utils import _assert_is_bytes

__all__ = ["USDT", "USDTException", "USDTProbe", "USDTProbeArgument", "USDTProbeLocation"]

_ENABLE_FAILED = """Failed to enable USDT probe '%s':
the specified pid might not contain the given language's runtime,
or the runtime was not built with the required USDT probes. Look
for a configure flag similar to --with-dtrace or --enable-dtrace.
To check which probes are present in the process, use the tplist tool.
"""


class USDTProbeArgument:
    """Where one argument of a probe is found."""

    def __init__(self, fields):
        self.size = fields["size"]
        self.signed = self.size < 0
        self.size = abs(self.size)
        self.valid = fields["valid"]
        for name in (
            "constant",
            "deref_offset",
            "deref_ident",
            "base_register_name",
            "index_register_name",
            "scale",
        ):
            if fields.get(name) is not None:
                setattr(self, name, fields[name])

    def _size_prefix(self):
        return "%d %s bytes" % (self.size, "signed  " if self.signed else "unsigned")

    def __str__(self):
        prefix = self._size_prefix()
        if hasattr(self, "constant"):
            return "%s constant %d" % (prefix, self.constant)
        if not hasattr(self, "deref_offset"):
            return "%s register %s" % (prefix, getattr(self, "base_register_name", ""))
        if hasattr(self, "deref_ident"):
            if self.deref_offset == 0:
                return "%s @ %s" % (prefix, self.deref_ident)
            return "%s @ %s + 0x%x" % (prefix, self.deref_ident, self.deref_offset)
        base = getattr(self, "base_register_name", "")
        sign = "-" if self.deref_offset < 0 else "+"
        text = "%s @ %s %s %d" % (prefix, base, sign, abs(self.deref_offset))
        if hasattr(self, "index_register_name"):
            text += " + %s * %d" % (self.index_register_name, getattr(self, "scale", 1))
        return text


class USDTProbeLocation:
    """One place of a binary where a probe fires."""

    def __init__(self, probe, index, fields):
        self.probe = probe
        self.index = index
        self.address = fields["address"]
        self.bin_path = fields["bin_path"]
        self.num_arguments = probe.num_arguments
        self._arguments = fields["arguments"]

    def __str__(self):
        return "%s 0x%x" % (os.fsdecode(self.bin_path), self.address)

    def get_argument(self, index):
        """The `USDTProbeArgument` number `index`, from 0."""
        if index >= len(self._arguments):
            raise USDTException("error retrieving probe argument %d location %d" % (index, self.index))
        return USDTProbeArgument(self._arguments[index])


class USDTProbe:
    """One probe of a binary."""

    def __init__(self, context, fields):
        self.context = context
        self.provider = fields["provider"]
        self.name = fields["name"]
        self.bin_path = fields["bin_path"]
        self.semaphore = fields["semaphore"]
        self.num_locations = fields["num_locations"]
        self.num_arguments = fields["num_arguments"]
        self._locations = fields["locations"]

    def __str__(self):
        return "%s %s:%s [sema 0x%x]" % (
            os.fsdecode(self.bin_path),
            self.provider.decode(),
            self.name.decode(),
            self.semaphore,
        )

    def short_name(self):
        """`provider:name`."""
        return "%s:%s" % (self.provider.decode(), self.name.decode())

    def get_location(self, index):
        """The `USDTProbeLocation` number `index`, from 0."""
        if index >= len(self._locations):
            raise USDTException("error retrieving probe location %d" % index)
        return USDTProbeLocation(self, index, self._locations[index])


class USDT:
    """The USDT probes of process `pid`, of the binary `path`, or of `path` within `pid`."""

    def __init__(self, pid=None, path=None):
        self.pid = -1
        self.path = None
        if pid and pid != -1:
            self.pid = pid
        if path:
            self.path = _assert_is_bytes(path)
        if self.pid == -1 and self.path is None:
            raise USDTException("either a pid or a binary path must be specified")
        try:
            self.context = _native.Usdt(self.pid if self.pid != -1 else None, self.path)
        except USDTException as error:
            self._explain()
            where = "PID %d" % self.pid if self.path is None else "path %s" % os.fsdecode(self.path)
            raise USDTException("USDT failed to instrument %s" % where) from error

    def _explain(self):
        if self.path is None:
            return
        path = os.fsdecode(self.path)
        if self.pid != -1 and not os.path.isabs(path):
            print("HINT: Binary path should be absolute.\n", file=sys.stderr)
        elif not os.path.exists(path):
            print("HINT: Specified binary does not exist.\n", file=sys.stderr)

    def _native_context(self):
        return self.context

    def enable_probe(self, probe, fn_name):
        """Makes `fn_name` the handler of `probe` (`name` or `provider:name`).

        The kernel switches a probe with a semaphore on while the handler is attached.
        """
        try:
            self.context.enable(_text(probe), _text(fn_name))
        except USDTException as error:
            raise USDTException(_ENABLE_FAILED % _text(probe)) from error

    def enable_probe_or_bail(self, probe, fn_name):
        """As `enable_probe`; prints the failure and ends the process."""
        try:
            self.enable_probe(probe, fn_name)
        except USDTException as error:
            print(error, file=sys.stderr)
            sys.exit(1)

    def get_context(self):
        """A handle for the C functions of `bcc.libbcc.lib`."""
        return self.context

    def get_text(self):
        """The C readers of the enabled probes' arguments."""
        return self.context.text()

    def get_probe_arg_ctype(self, probe_name, arg_index):
        """C type of a probe's argument (from 0): `int32_t`."""
        return self.context.argument_ctype(_text(probe_name), arg_index)

    def enumerate_probes(self):
        """List of all `USDTProbe`s."""
        return [USDTProbe(self.context, fields) for fields in self.context.probes()]

    def enumerate_active_probes(self):
        """List of (binary path, function name, address, pid) to attach, as `attach_uprobes` does."""
        return [uprobe[:4] for uprobe in self.context.uprobes(False)]

    def attach_uprobes(self, bpf, attach_usdt_ignore_pid):
        """Attaches the enabled probes' handlers."""
        for _, fn_name, _, pid, path, offset, semaphore in self.context.uprobes(
            bool(attach_usdt_ignore_pid)
        ):
            bpf._attach_usdt(path, offset, fn_name, pid, semaphore)


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)
