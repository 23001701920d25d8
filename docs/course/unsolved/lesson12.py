"""Exercise 12: find the bug in recording.pcapng.

The film came out of the printer, but the ultrasound machine reported a failed print. One of the eight messages is to
blame: two of its elements are wrong, for the same reason. Name either of them.
"""

MESSAGE = ...  # its number in the output of run.py
KEYWORD = ...  # the keyword of a wrong element, such as "MessageID"
VALUE = ...  # the value that this element should have
