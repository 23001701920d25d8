r"""Exercise 2: predict the answer of a printer.

The printer of this lesson, which also prints in color, gets this proposal:

    context  abstract syntax                             transfer syntaxes
    1        Verification                                Implicit VR Little Endian
    3        Basic Color Print Management Meta           Explicit, Implicit VR Little Endian
    5        Basic Grayscale Print Management Meta       JPEG Baseline (only)
    7        CT Image Storage                            Implicit VR Little Endian

Predict the Result/Reason of each context (PS3.8 Table 9-18), as numbers:

    0 acceptance, 1 user-rejection, 2 no-reason, 3 abstract-syntax-not-supported, 4 transfer-syntaxes-not-supported
"""

RESULTS = [..., ..., ..., ...]  # of the contexts 1, 3, 5 and 7

# The client wants to print. On which context does it send N-CREATE of the film session?
CONTEXT = ...
# Which UID is the Affected SOP Class UID of that N-CREATE-RQ?
SOP_CLASS = ...
