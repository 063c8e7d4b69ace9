"""Histograms of tables, printed."""

import ctypes as ct

stars_max = 40
log2_index_max = 65
linear_index_max = 1025


def _stars(val, val_max, width):
    count = min(int(width * val / val_max), width) if val_max else 0
    text = "*" * count
    return text[:-1] + "+" if val > val_max else text


def _rows(labels, vals, stars, strip_leading_zero):
    """Prints a row per label; `labels` starts with that of slot `len(vals) - len(labels)`."""
    val_max = max(vals, default=0)
    vals = vals[len(vals) - len(labels) :]
    if strip_leading_zero:
        first = next((index for index, val in enumerate(vals) if val), len(vals))
        labels, vals = labels[first:], vals[first:]
    if vals:
        print(
            "\n".join(
                "%s%-8d |%-*s|" % (label, val, stars, _stars(val, val_max, stars))
                for label, val in zip(labels, vals)
            )
        )


def _log2_labels(body, slots):
    labels = []
    for index in range(1, slots):
        low, high = (1 << index) >> 1, (1 << index) - 1
        labels.append(body % (0 if low == high else low, high))
    return labels


_labels: dict = {}


def _last_nonzero(vals):
    return max((index for index, val in enumerate(vals) if val > 0), default=-1)


def _print_log2_hist(vals, val_type, strip_leading_zero):
    last = _last_nonzero(vals)
    if last <= 0:
        return
    if last <= 32:
        header, body, stars = "     %-19s", "%10d -> %-10d : ", stars_max
    else:
        header, body, stars = "               %-29s", "%20d -> %-20d : ", stars_max // 2
    labels = _labels.get(body)
    if labels is None:
        labels = _labels[body] = _log2_labels(body, log2_index_max)
    print((header + " : count     distribution") % val_type)
    _rows(labels[:last], vals[: last + 1], stars, strip_leading_zero)


def _print_linear_hist(vals, val_type, strip_leading_zero):
    last = _last_nonzero(vals)
    if last < 0:
        return
    print("     %-13s : count     distribution" % val_type)
    labels = ["        %-10d : " % index for index in range(last + 1)]
    _rows(labels, vals[: last + 1], stars_max, strip_leading_zero)


def get_json_hist(vals, val_type, section_bucket=None):
    """A log2 histogram as a dict: time, value type, and the list of intervals with counts."""
    from time import strftime

    last = max((index for index, val in enumerate(vals) if val != 0), default=0)
    data = [
        {
            "interval-start": 0 if index == 1 else 1 << (index - 1),
            "interval-end": (1 << index) - 1,
            "count": int(vals[index]),
        }
        for index in range(1, last + 1)
    ]
    histogram = {"ts": strftime("%Y-%m-%d %H:%M:%S"), "val_type": val_type, "data": data}
    if section_bucket:
        histogram[section_bucket[0]] = section_bucket[1]
    return histogram


class HistogramMixin:
    """The printing methods of a table whose keys end in a slot number."""

    def decode_c_struct(self, tmp, buckets, bucket_fn, bucket_sort_fn, index_max=log2_index_max):
        """Fills `tmp` (bucket -> counts by slot) and `buckets` (its keys, in printing order)."""
        fields = self.Key._fields_
        bucket_field, slot_field = fields[0][0], fields[1][0]
        if slot_field == "__pad_1" and len(fields) == 3:
            slot_field = fields[2][0]
        for key, count in self._counts():
            bucket = getattr(key, bucket_field)
            if bucket_fn:
                bucket = bucket_fn(bucket)
            vals = tmp.get(bucket)
            if vals is None:
                vals = tmp[bucket] = [0] * index_max
            vals[getattr(key, slot_field)] = count
        order = list(tmp)
        buckets.extend(bucket_sort_fn(order) if bucket_sort_fn else order)

    def _slots(self, index_max):
        vals = [0] * index_max
        for key, count in self._counts():
            vals[key.value] = count
        return vals

    def _counts(self):
        """Pairs of key and number."""
        return ((key, leaf.value) for key, leaf in self.items())

    def _sections(self, bucket_fn, bucket_sort_fn, index_max):
        tmp, buckets = {}, []
        self.decode_c_struct(tmp, buckets, bucket_fn, bucket_sort_fn, index_max)
        return ((bucket, tmp[bucket]) for bucket in buckets)

    def _print_hist(self, show, index_max, section_header, section_print_fn, bucket_fn, sort_fn):
        if not issubclass(self.Key, ct.Structure):
            show(self._slots(index_max))
            return
        for bucket, vals in self._sections(bucket_fn, sort_fn, index_max):
            if section_print_fn:
                print("\n%s = %s" % (section_header, section_print_fn(bucket)))
            else:
                print("\n%s = %r" % (section_header, bucket))
            show(vals)

    def print_log2_hist(
        self,
        val_type="value",
        section_header="Bucket ptr",
        section_print_fn=None,
        bucket_fn=None,
        strip_leading_zero=None,
        bucket_sort_fn=None,
    ):
        """Prints the table as power-of-2 rows with stars.

        With a struct key (bucket, slot) one histogram per bucket is printed, each under the line
        `section_header = bucket`; `bucket_fn` maps the bucket's value, `section_print_fn` its
        text, `bucket_sort_fn` takes and returns the list of buckets.
        """
        self._print_hist(
            lambda vals: _print_log2_hist(vals, val_type, strip_leading_zero),
            log2_index_max,
            section_header,
            section_print_fn,
            bucket_fn,
            bucket_sort_fn,
        )

    def print_linear_hist(
        self,
        val_type="value",
        section_header="Bucket ptr",
        section_print_fn=None,
        bucket_fn=None,
        strip_leading_zero=None,
        bucket_sort_fn=None,
    ):
        """Prints the table as rows of one slot each; slots go up to 1024."""
        try:
            self._print_hist(
                lambda vals: _print_linear_hist(vals, val_type, strip_leading_zero),
                linear_index_max,
                section_header,
                section_print_fn,
                bucket_fn,
                bucket_sort_fn,
            )
        except IndexError:
            raise IndexError(
                "Index in print_linear_hist() of %d exceeds max of %d."
                % (self._largest_slot(), linear_index_max)
            ) from None

    def _largest_slot(self):
        fields = getattr(self.Key, "_fields_", None)
        if fields is None:
            return max(key.value for key in self.keys())
        return max(getattr(key, fields[-1][0]) for key in self.keys())

    def print_json_hist(
        self,
        val_type="value",
        section_header="Bucket ptr",
        section_print_fn=None,
        bucket_fn=None,
        bucket_sort_fn=None,
    ):
        """Prints `get_json_hist` of the table, or of each bucket of a struct-keyed one."""
        if not issubclass(self.Key, ct.Structure):
            print(get_json_hist(self._slots(log2_index_max), val_type))
            return
        for bucket, vals in self._sections(bucket_fn, bucket_sort_fn, log2_index_max):
            shown = section_print_fn(bucket) if section_print_fn else bucket
            print(get_json_hist(vals, val_type, (section_header, shown)))
