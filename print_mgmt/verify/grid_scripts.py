"""The built-in scripts of `print-mgmt verify grid`, which compares the answers of several printers to a script."""

from collections.abc import Mapping

__all__ = ["PRINT_SCRIPTS"]

_PRINTER = "RequestedSOPClassUID=Printer RequestedSOPInstanceUID=PrinterInstance"
_OF_SESSION = (
    "ReferencedFilmSessionSequence[0].ReferencedSOPClassUID=BasicFilmSession "
    "ReferencedFilmSessionSequence[0].ReferencedSOPInstanceUID=$session\n"
)
_BOX = "send N-CREATE-RQ AffectedSOPClassUID=BasicFilmBox "
_SESSION = "send N-CREATE-RQ AffectedSOPClassUID=BasicFilmSession "
_BEGIN = (
    "associate BasicGrayscalePrintManagementMeta:implicit\n"
    f"send N-GET-RQ {_PRINTER}\n"
    "let session = new\n"
    "let film = new\n"
    + _SESSION
    + 'AffectedSOPInstanceUID=$session NumberOfCopies=1 FilmSessionLabel="CONFORMANCE TEST"\n'
)
_FILM = (
    _BOX
    + r"AffectedSOPInstanceUID=$film ImageDisplayFormat=STANDARD\1,1 "
    + _OF_SESSION
    + "let box = ReferencedImageBoxSequence[0].ReferencedSOPInstanceUID\n"
)
_IMAGE = (
    "send N-SET-RQ RequestedSOPClassUID=BasicGrayscaleImageBox RequestedSOPInstanceUID=$box ImageBoxPosition=1 "
    + " ".join(
        f"BasicGrayscaleImageSequence[0].{each}"
        for each in (
            "SamplesPerPixel=1",
            "PhotometricInterpretation=MONOCHROME2",
            "Rows=32",
            "Columns=32",
            "BitsAllocated=8",
            "BitsStored=8",
            "HighBit=7",
            "PixelRepresentation=0",
            "PixelData=hex:7F*1024",
        )
    )
    + "\n"
)
_END = """send N-DELETE-RQ RequestedSOPClassUID=BasicFilmBox RequestedSOPInstanceUID=$film
send N-DELETE-RQ RequestedSOPClassUID=BasicFilmSession RequestedSOPInstanceUID=$session
release
"""

FILM = (
    "# A film with one image, from the state of the printer to the last N-DELETE. It is printed only with --print.\n"
    + _BEGIN
    + _FILM
    + _IMAGE
    + "send N-ACTION-RQ RequestedSOPClassUID=BasicFilmBox RequestedSOPInstanceUID=$film ActionTypeID=1\n"
    + _END
)

WRONG = (
    "# Requests that a printer must or may refuse: something is missing, unknown or out of order. Nothing prints.\n"
    + _BEGIN
    + _SESSION
    + "\n"
    + _BOX
    + "ImageDisplayFormat=STANDARD\\1,1\n"
    + _BOX
    + "ImageDisplayFormat=STANDARD\\0,0 "
    + _OF_SESSION
    + _BOX
    + "ImageDisplayFormat=NO_SUCH_FORMAT "
    + _OF_SESSION
    + _BOX
    + "ImageDisplayFormat=STANDARD\\1,1 FilmSizeID=1INX1IN "
    + _OF_SESSION
    + _BOX
    + "ImageDisplayFormat=STANDARD\\1,1 PatientName=TEST^CASE "
    + _OF_SESSION
    + "send N-SET-RQ RequestedSOPClassUID=BasicGrayscaleImageBox RequestedSOPInstanceUID=1.2.3.4.5 ImageBoxPosition=1\n"
    "send N-DELETE-RQ RequestedSOPClassUID=BasicFilmBox RequestedSOPInstanceUID=1.2.3.4.5\n"
    f"send N-GET-RQ {_PRINTER} AttributeIdentifierList=PatientName\n"
    "send N-DELETE-RQ RequestedSOPClassUID=BasicFilmSession RequestedSOPInstanceUID=$session\n"
    "release\n"
)

PRINT_SCRIPTS: Mapping[str, str] = {"film": FILM, "wrong": WRONG}
