"""Exercise 1: change two bytes.

COMMAND is a P-DATA-TF PDU with a C-ECHO-RQ; its Message ID is 1. Change it so that the Message ID is 258 (0102H), and
nothing else. A number of two bytes in a Command Set has the byte order of the rest of the Command Set.
"""

COMMAND = """
04 00 00 00 00 4a
00 00 00 46 01 03
00 00 00 00 04 00 00 00 38 00 00 00
00 00 02 00 12 00 00 00 31 2e 32 2e 38 34 30 2e 31 30 30 30 38 2e 31 2e 31 00
00 00 00 01 02 00 00 00 30 00
00 00 10 01 02 00 00 00 01 00
00 00 00 08 02 00 00 00 01 01
"""
