"""The printer's rules without I/O: PS3.4 Annex H, one request in, one answer out.

- `service`: `PrintService`, one for each association.
- `instances`: the instances of an association, and their memory.
- `films`, `densities`: film sessions, film boxes and Presentation LUTs; densities and light of a film.
- `image_box`: images and annotations.
- `n_action`: N-ACTION.
- `n_get`: the printer, its configuration and its jobs.
- `retired`: VOI LUT boxes and overlay boxes.
- `answer`: the answer to a request.
"""

from .answer import Answer
from .instances import MemoryPool
from .service import PrintService

__all__ = ["Answer", "MemoryPool", "PrintService"]
