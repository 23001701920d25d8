"""The programs that the conformance matrix judges: the start, the command and the version of each.

Only their versions and the scripts in ``tools/verify_peers`` are ours. The rules of print judge only programs with a
print SCP of their own; the other programs get the cases below print.
"""

import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
from image_objects import write_image
from peers import free_port

__all__ = ["PEERS", "ROOT", "Place", "VerifiedPeer"]

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "tools" / "verify_peers"
BELOW_PRINT = ("UL-*", "DIMSE-*", "ENC-*", "ROB-*")
_CONFIG = ROOT / "tests" / "interop" / "dcmtk.cfg"


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a peer: a folder of its own, a free port, and the folder of `tools/peers.py`."""

    folder: Path
    port: int
    peers: Path

    @classmethod
    def new(cls, folder: Path, peers: Path) -> "Place":
        """Return a place with a free port; make its folder."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, free_port(), peers)


Words = Callable[[Place], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedPeer:
    """A peer. ``words`` starts an SCP, or is the command of an SCU; ``version`` returns the words of its version."""

    name: str
    role: str
    words: Words
    version: Callable[[Place], str]
    cases: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    ae: str = "ANY-SCP"
    environment: Callable[[Place], Mapping[str, str]] = lambda _place: {}
    note: str = ""
    prepare: Callable[[Place], None] = field(default=lambda _place: None)
    is_restarted: bool = False  # some cases end the program, so that the tester starts it, and starts it again

    @property
    def key(self) -> str:
        """The name for files: ``dcmprscp-scp``."""
        return f"{self.name}-{self.role}".lower()


def dcmtk(tool: str) -> str:
    """Return the path of a tool of DCMTK; pynetdicom installs an echoscu and a storescp of its own."""
    found = shutil.which("dcmprscp")
    if found is None:
        raise FileNotFoundError("DCMTK is not installed: apt-get install dcmtk")
    return str(Path(found).parent / tool)


def _config(place: Place) -> str:
    for name in ("database", "spool"):
        (place.folder / name).mkdir(exist_ok=True)
    path = place.folder / "dcmtk.cfg"
    path.write_text(_CONFIG.read_text().replace("@PORT@", str(place.port)))
    return str(path)


def _dcmtk_version(_place: Place) -> str:
    told = subprocess.run([dcmtk("dcmprscp"), "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v(\d\S*)", told)
    return f"DCMTK {found[1] if found else '?'}"


def _make_film(place: Place) -> None:
    """Let dcmpsprt make the film that dcmprscu prints."""
    ramp = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64).astype(np.uint8)
    image = write_image(place.folder / "ramp.dcm", ramp, "MONOCHROME2", 8)
    command = [dcmtk("dcmpsprt"), "-c", _config(place), "-p", "OURS8", str(image)]
    subprocess.run(command, cwd=place.folder, check=True, capture_output=True)


def _print_film(place: Place) -> list[str]:
    (film,) = (place.folder / "database").glob("SP_*.dcm")
    return [dcmtk("dcmprscu"), "-c", _config(place), "-p", "OURS8", str(film)]


def _orthanc(place: Place) -> list[str]:
    program = shutil.which("Orthanc")
    if program is None:
        raise FileNotFoundError("Orthanc is not installed: apt-get install orthanc")
    path, base = place.folder / "orthanc.json", place.folder / "db"
    path.write_text(
        f'{{"Name": "VERIFY", "DicomAet": "ORTHANC", "DicomPort": {place.port}, "HttpServerEnabled": false, '
        f'"DicomCheckCalledAet": false, "StorageDirectory": "{base}", "IndexDirectory": "{base}", '
        '"DicomAlwaysAllowEcho": true, "DicomThreadsCount": 4}'
    )
    return [program, str(path)]


def _orthanc_version(_place: Place) -> str:
    program = shutil.which("Orthanc") or "Orthanc"
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return f"Orthanc {told.split()[1]}"


def _in_pydcm(place: Place) -> str:
    return str(place.peers / "pydcm" / "bin" / "python")


def _pydcm_version(place: Place) -> str:
    code = "from importlib.metadata import version; print(version('pydcm'))"
    told = subprocess.run([_in_pydcm(place), "-c", code], capture_output=True, text=True, check=True).stdout
    return f"pydcm {told.strip()}"


def _node(place: Place) -> Mapping[str, str]:
    return {"NODE_PATH": str(place.peers / "node_modules")}


def _dcmjs_version(place: Place) -> str:
    code = "console.log(require('dcmjs-dimse/package.json').version)"
    environment = {**os.environ, **_node(place)}
    told = subprocess.run(["node", "-e", code], env=environment, capture_output=True, text=True, check=True).stdout
    return f"dcmjs-dimse {told.strip()}"


def _ctn(tool: str) -> str:
    """Return the path of a program of CTN."""
    found = shutil.which(tool)
    if found is None:
        raise FileNotFoundError("CTN is not installed: apt-get install ctn mariadb-server-core")
    return found


def _ctn_version(_place: Place) -> str:
    """Return the version of the package; the programs themselves tell only a date."""
    command = ["dpkg-query", "-W", "-f", "${Version}", "ctn"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.match(r"[\d.]*\d", told)
    return f"CTN {found[0] if found else '?'}"


def _make_image(place: Place) -> None:
    """Write the preformatted image that print_client prints: an Image Pixel Module alone, without a header."""
    side = 64
    numbers = {0x0002: 1, 0x0010: side, 0x0011: side, 0x0100: 8, 0x0101: 8, 0x0102: 7, 0x0103: 0}
    elements = {(0x0028, element): number.to_bytes(2, "little") for element, number in numbers.items()}
    elements |= {(0x0028, 0x0004): b"MONOCHROME2 ", (0x7FE0, 0x0010): bytes(range(side)) * side}
    octets = (struct.pack("<HHI", *tag, len(value)) + value for tag, value in sorted(elements.items()))
    (place.folder / "image").write_bytes(b"".join(octets))


def _ours(_place: Place) -> str:
    return f"dimse-print {version('dimse-print')}"


def _pynetdicom(_place: Place) -> str:
    return f"pynetdicom {version('pynetdicom')}"


def _no_nagle(_place: Place) -> Mapping[str, str]:
    return {"TCP_NODELAY": "1"}


_PYTHON = sys.executable
_TO_TESTER = ["{host}", "{port}", "{ae}"]
PEERS = (
    VerifiedPeer(
        name="dimse-print",
        role="SCP",
        words=lambda place: [
            _PYTHON,
            "-m",
            "print_mgmt",
            "serve",
            "--port",
            str(place.port),
            "--spool",
            "spool",
            "--out",
            "films",
            "--event",  # without an event, nothing of PRN-E-2.08 can be judged
            "WARNING:SUPPLY LOW@N-SET#2",
            "--event",
            "NORMAL@N-SET#3",
        ],
        version=_ours,
        options=("--max-films", "20"),
    ),
    VerifiedPeer(
        name="dcmprscp",
        role="SCP",
        words=lambda place: [dcmtk("dcmprscp"), "-c", _config(place), "-p", "ANY"],
        version=_dcmtk_version,
        options=("--max-films", "20"),
        ae="ANY",
        environment=_no_nagle,
    ),
    VerifiedPeer(
        name="storescp",
        role="SCP",
        words=lambda place: [dcmtk("storescp"), "-od", ".", str(place.port)],
        version=_dcmtk_version,
        cases=BELOW_PRINT,
        environment=_no_nagle,
    ),
    VerifiedPeer(
        name="Orthanc",
        role="SCP",
        words=_orthanc,
        version=_orthanc_version,
        cases=BELOW_PRINT,
        ae="ORTHANC",
    ),
    VerifiedPeer(
        name="pynetdicom",
        role="SCP",
        words=lambda place: [_PYTHON, str(SCRIPTS / "pynetdicom_scp.py"), str(place.port)],
        version=_pynetdicom,
        cases=BELOW_PRINT,
    ),
    VerifiedPeer(
        name="dcmjs-dimse",
        role="SCP",
        words=lambda place: ["node", str(SCRIPTS / "dcmjs_scp.js"), str(place.port)],
        version=_dcmjs_version,
        cases=BELOW_PRINT,
        environment=_node,
    ),
    VerifiedPeer(
        name="print_server",
        role="SCP",
        words=lambda place: [_PYTHON, str(SCRIPTS / "ctn_scp.py"), str(place.port)],
        version=_ctn_version,
        options=("--max-films", "20"),
        ae="CTN",
        is_restarted=True,
    ),
    VerifiedPeer(
        name="dimse-print",
        role="SCU",
        words=lambda _place: [_PYTHON, "-m", "print_mgmt", "print", "{ae}@{host}:{port}", "--pattern", "smpte"],
        version=_ours,
    ),
    VerifiedPeer(
        name="dcmprscu",
        role="SCU",
        words=_print_film,
        version=_dcmtk_version,
        environment=_no_nagle,
        prepare=_make_film,
    ),
    VerifiedPeer(
        name="echoscu",
        role="SCU",
        words=lambda _place: [dcmtk("echoscu"), "-aec", "{ae}", "{host}", "{port}"],
        version=_dcmtk_version,
        environment=_no_nagle,
    ),
    VerifiedPeer(
        name="pynetdicom",
        role="SCU",
        words=lambda _place: [_PYTHON, str(SCRIPTS / "pynetdicom_scu.py"), *_TO_TESTER],
        version=_pynetdicom,
    ),
    VerifiedPeer(
        name="dcmjs-dimse",
        role="SCU",
        words=lambda _place: ["node", str(SCRIPTS / "dcmjs_scu.js"), *_TO_TESTER],
        version=_dcmjs_version,
        environment=_node,
    ),
    VerifiedPeer(
        name="pydcm",
        role="SCU",
        words=lambda place: [_in_pydcm(place), str(SCRIPTS / "pydcm_scu.py"), *_TO_TESTER],
        version=_pydcm_version,
    ),
    VerifiedPeer(
        name="print_client",
        role="SCU",
        words=lambda _place: [_ctn("print_client"), "-c", "{ae}", "-i", r"STANDARD\1,1", "{host}", "{port}", "image"],
        version=_ctn_version,
        prepare=_make_image,
    ),
)
