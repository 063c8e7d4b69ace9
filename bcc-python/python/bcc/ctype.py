"""ctypes classes of C types, made once per type.

The native module hands types on as hashable values: a clang spelling for a scalar, `("[]", element,
length)` for an array, `(kind, name, fields, size)` for a struct or union, where a field is `(name,
type, bits)` and padding is already spelled out.
"""

import ctypes as ct

str2ctype = {
    "_Bool": ct.c_bool,
    "char": ct.c_char,
    "wchar_t": ct.c_wchar,
    "unsigned char": ct.c_ubyte,
    "short": ct.c_short,
    "unsigned short": ct.c_ushort,
    "int": ct.c_int,
    "unsigned int": ct.c_uint,
    "long": ct.c_long,
    "unsigned long": ct.c_ulong,
    "long long": ct.c_longlong,
    "unsigned long long": ct.c_ulonglong,
    "float": ct.c_float,
    "double": ct.c_double,
    "long double": ct.c_longdouble,
    "__int128": ct.c_int64 * 2,
    "unsigned __int128": ct.c_uint64 * 2,
    "signed char": ct.c_char,
    # Keys of ring buffers, queues and stacks.
    "void": ct.c_char * 0,
}

_made: dict[object, type] = {}


def class_of(desc):
    """The ctypes class of a type as the native module describes it."""
    made = _made.get(desc)
    if made is None:
        made = _made[desc] = _make(desc)
    return made


def _make(desc):
    if isinstance(desc, str):
        return str2ctype[desc]
    if desc[0] == "[]":
        return class_of(desc[1]) * desc[2]
    kind, name, members, size = desc
    fields, anonymous = [], []
    for member, type_, bits in members:
        if not member:
            member = f"__anon{len(anonymous)}"
            anonymous.append(member)
        field = (member, class_of(type_))
        fields.append(field if bits is None else (*field, bits))
    body = {"_anonymous_": anonymous, "_fields_": fields}
    if kind == "struct_packed":
        body["_pack_"] = 1
    made = type(str(name), (ct.Union if kind == "union" else ct.Structure,), body)
    if ct.sizeof(made) != size and kind != "struct_packed":
        # An `aligned` attribute gives C a longer tail than ctypes knows of.
        body["_fields_"] = [*fields, ("__pad_end", ct.c_char * (size - _used(fields)))]
        made = type(str(name), made.__bases__, body)
    return made


def _used(fields):
    return ct.sizeof(type("_", (ct.Structure,), {"_pack_": 1, "_fields_": fields}))


# Types of the fields of submitted structs, by the name they are written with.
_EVENT_TYPES = {
    "char": ct.c_char,
    "s8": ct.c_char,
    "unsigned char": ct.c_ubyte,
    "u8": ct.c_ubyte,
    "u8 *": ct.c_char_p,
    "char *": ct.c_char_p,
    "short": ct.c_short,
    "s16": ct.c_short,
    "unsigned short": ct.c_ushort,
    "u16": ct.c_ushort,
    "int": ct.c_int,
    "s32": ct.c_int,
    "enum": ct.c_int,
    "unsigned int": ct.c_uint,
    "u32": ct.c_uint,
    "long": ct.c_long,
    "unsigned long": ct.c_ulong,
    "long long": ct.c_longlong,
    "s64": ct.c_longlong,
    "unsigned long long": ct.c_ulonglong,
    "u64": ct.c_ulonglong,
    "__int128": ct.c_longlong * 2,
    "unsigned __int128": ct.c_ulonglong * 2,
    "void *": ct.c_void_p,
}


def event_class(fields, exact):
    """The class of a submitted struct.

    `fields` are `name#type` texts; `exact` is the type's own description, or None. The types'
    names decide, as scripts expect; where a name is unknown or the layout differs, `exact` does.
    """
    named, unknown = [], None
    for field in fields:
        name, _, spelling = field.partition("#")
        type_ = _event_field(spelling)
        if type_ is None:
            unknown = spelling
            break
        named.append((name, type_))
    if unknown is None:
        made = type("Data", (ct.Structure,), {"_fields_": named})
        if exact is None or ct.sizeof(made) == exact[3]:
            return made
    if exact is None:
        import sys

        print(
            f"Type: '{unknown}' not recognized. Please define the data with ctypes manually.",
            file=sys.stderr,
        )
        sys.exit(1)
    return class_of(exact)


class timespec(ct.Structure):
    """The C struct of that name."""

    _fields_ = [("tv_sec", ct.c_long), ("tv_nsec", ct.c_long)]


def _event_field(spelling):
    if spelling.startswith("enum "):
        return ct.c_int
    if not spelling.endswith("]"):
        return _EVENT_TYPES.get(spelling)
    # `int [2][3]`: the outermost length comes first.
    element, *lengths = spelling.replace("]", "").split("[")
    type_ = _event_field(element.strip())
    for length in reversed(lengths):
        if type_ is None or not length.isdigit():
            return None
        type_ = type_ * int(length)
    return type_
