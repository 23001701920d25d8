"""Describes a film as a JSON object, with its attributes by DICOM keyword."""

from dimse.data import Dataset

from ..output import JSON, json_of
from ..scp import Film

__all__ = ["describe"]


def describe(film: Film, identified: Dataset | None = None) -> dict[str, JSON]:
    """Return the attributes of a film, its client and its job; with ``identified``, also of its patient and study."""
    description: dict[str, JSON] = {
        "calling_ae_title": film.calling_ae_title,
        "host": film.host,
        "time": film.time.isoformat(),
        "job": film.job.SOPInstanceUID,
        "copies": film.copies,
        "film_session": json_of(film.film_session),
        "film_box": json_of(film.film_box),
        "image_boxes": [_image_box(film, index) for index in range(len(film.image_boxes))],
        "annotation_boxes": [json_of(box) for box in film.annotation_boxes],
        "referenced": [json_of(instance) for instance in film.referenced],
        "defaulted": list(film.defaulted),
    }
    if identified is not None:
        description["identified"] = json_of(identified)
    return description


def _image_box(film: Film, index: int) -> dict[str, JSON]:
    """Return the attributes of an image box and of its image; Pixel Data is described by its size only."""
    description = json_of(film.image_boxes[index])
    image = film.sheet.cells[index].image if index < len(film.sheet.cells) else None
    if image is not None:
        description["BasicColorImageSequence" if image.pixels.ndim == 3 else "BasicGrayscaleImageSequence"] = [
            {
                "PhotometricInterpretation": image.PhotometricInterpretation,
                "Rows": image.pixels.shape[0],
                "Columns": image.pixels.shape[1],
                "PixelAspectRatio": list(image.PixelAspectRatio),
                "BitsStored": image.BitsStored,
                "PixelData": f"{image.pixels.nbytes} bytes",
            }
        ]
    return description
