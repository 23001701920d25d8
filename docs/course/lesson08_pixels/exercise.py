"""Exercise 8: predict what is printed.

Each case is an image of 8 bits whose pixels all have one value. Write the P-Value on the film, from 0 (black) to 255
(white). The Presentation LUT Shape is IDENTITY.

    1. MONOCHROME1, pixel value 0, Polarity NORMAL
    2. MONOCHROME1, pixel value 64, Polarity NORMAL
    3. MONOCHROME1, pixel value 64, Polarity REVERSE
    4. MONOCHROME2, pixel value 255, Polarity REVERSE
"""

P_VALUES = [..., ..., ..., ...]

# A pixel of 12 bits, stored in 16, has the value 1000. Write its two bytes in Little Endian, as they are sent.
PIXEL = "?"
