"""Exercise 3: write the message control headers.

A message was cut into five PDVs: two with its Command Set, then three with its Data Set. Write the message control
header of each (PS3.8 Annex E.2):

    bit 0 (value 1): the fragment is of the Command Set, not of the Data Set
    bit 1 (value 2): the fragment is the last one
"""

CONTROL = [..., ..., ..., ..., ...]
