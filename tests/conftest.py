"""What holds for every directory of tests."""

import signal

# A background job of a shell ignores SIGINT, and so would whatever the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
