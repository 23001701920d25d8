"""Exercise 4: translate an element, then misread one.

An element in Explicit VR Little Endian, from a film box: Film Orientation (2010,0040) = "PORTRAIT".
"""

EXPLICIT = "10 20 40 00 43 53 08 00 50 4f 52 54 52 41 49 54"

# 1. Write the same element in Implicit VR Little Endian: hexadecimal, two digits for each byte.
IMPLICIT = "?"

# 2. A printer that negotiated explicit VR, but reads implicit VR, gets EXPLICIT. Which value length does it see?
LENGTH = ...
