"""The rules of a print SCP (PS3.4 Annex H), without I/O: a request goes in, and an answer comes out.

- `service`: `PrintService`, one for each association.
- `instances`: the instances of an association, and their memory.
- `films`: film sessions, film boxes and Presentation LUTs. `densities`: the densities and the light of a film.
- `image_box`: images and annotations.
- `n_action`: N-ACTION, which makes print jobs.
- `n_get`: N-GET of the printer, its configuration and its jobs.
- `retired`: VOI LUT boxes and overlay boxes.
- `answer`: the answer to a request.
"""

from .answer import Answer
from .instances import MemoryPool
from .service import PrintService

__all__ = ["Answer", "MemoryPool", "PrintService"]
