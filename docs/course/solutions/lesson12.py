"""Solution 12: the N-ACTION-RSP names the print job. It should name the film box, to which the request was sent.

Ultrasound machines abort for this reason. The print job belongs in the Data Set of the response, in the Referenced
Print Job Sequence.
"""

MESSAGE = 8
KEYWORD = "AffectedSOPInstanceUID"  # or AffectedSOPClassUID, which should be 1.2.840.10008.5.1.1.2
VALUE = "1.2.3.4.2"
