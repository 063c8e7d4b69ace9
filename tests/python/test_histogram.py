"""Histogram text, to the byte."""

import ctypes as ct

import pytest
from bcc.table.histogram import HistogramMixin, _stars, get_json_hist


class Slot(ct.Structure):
    _fields_ = [("disk", ct.c_char * 8), ("slot", ct.c_int)]


class Padded(ct.Structure):
    _pack_ = 1
    _fields_ = [("disk", ct.c_uint), ("__pad_1", ct.c_char * 4), ("slot", ct.c_ulonglong)]


class Fake(HistogramMixin):
    """A table that holds what it is given."""

    def __init__(self, key, rows):
        self.Key = key
        self._rows = [(key(*k) if isinstance(k, tuple) else key(k), ct.c_ulonglong(v)) for k, v in rows]

    def items(self):
        return self._rows

    def keys(self):
        return [key for key, _ in self._rows]


def test_log2_rows_end_at_the_last_count(capsys):
    Fake(ct.c_int, [(0, 9), (1, 3), (3, 6)]).print_log2_hist("kbytes")
    assert capsys.readouterr().out == (
        "     kbytes              : count     distribution\n"
        "         0 -> 1          : 3        |*************                           |\n"
        "         2 -> 3          : 0        |                                        |\n"
        "         4 -> 7          : 6        |**************************              |\n"
    )


def test_wide_log2_rows_start_above_slot_32(capsys):
    Fake(ct.c_int, [(33, 2)]).print_log2_hist("ns", strip_leading_zero=True)
    assert capsys.readouterr().out == (
        "               ns                            : count     distribution\n"
        "          4294967296 -> 8589934591           : 2        |********************|\n"
    )


def test_nothing_is_printed_without_a_slot_above_zero(capsys):
    Fake(ct.c_int, [(0, 5)]).print_log2_hist()
    assert capsys.readouterr().out == ""


def test_linear_rows(capsys):
    Fake(ct.c_int, [(0, 1), (2, 4)]).print_linear_hist("depth")
    assert capsys.readouterr().out == (
        "     depth         : count     distribution\n"
        "        0          : 1        |**********                              |\n"
        "        1          : 0        |                                        |\n"
        "        2          : 4        |****************************************|\n"
    )


def test_linear_slots_beyond_the_end_are_named():
    with pytest.raises(IndexError, match=r"Index in print_linear_hist\(\) of 1025 exceeds max of 1025\."):
        Fake(ct.c_int, [(1025, 1)]).print_linear_hist()


def test_struct_keys_print_a_section_each(capsys):
    table = Fake(Slot, [((b"sdb", 1), 1), ((b"sda", 2), 2)])
    table.print_log2_hist("usecs", "disk", section_print_fn=bytes.decode, bucket_sort_fn=sorted)
    assert capsys.readouterr().out == (
        "\ndisk = sda\n"
        "     usecs               : count     distribution\n"
        "         0 -> 1          : 0        |                                        |\n"
        "         2 -> 3          : 2        |****************************************|\n"
        "\ndisk = sdb\n"
        "     usecs               : count     distribution\n"
        "         0 -> 1          : 1        |****************************************|\n"
    )


def test_without_a_printer_the_bucket_is_shown_as_python_does(capsys):
    Fake(Slot, [((b"sda", 0), 1)]).print_linear_hist(section_header="disk")
    assert capsys.readouterr().out.startswith("\ndisk = b'sda'\n")


def test_padding_between_bucket_and_slot_is_skipped(capsys):
    Fake(Padded, [((7, b"", 1), 5)]).print_log2_hist(section_header="id", bucket_fn=lambda b: b + 1)
    assert capsys.readouterr().out.startswith("\nid = 8\n     value  ")


def test_stars_end_in_plus_above_the_maximum():
    assert _stars(50, 100, 40) == "*" * 20
    assert _stars(101, 100, 40) == "*" * 39 + "+"


def test_json_has_bounds_and_section():
    hist = get_json_hist([0, 2, 3, 0], "usecs", ("disk", "sda"))
    assert (hist["val_type"], hist["disk"]) == ("usecs", "sda")
    assert hist["data"] == [
        {"interval-start": 0, "interval-end": 1, "count": 2},
        {"interval-start": 2, "interval-end": 3, "count": 3},
    ]
