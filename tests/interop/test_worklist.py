"""Identity from a real worklist: wlmscpfs of DCMTK."""

import pytest
from accepted import accepted_film
from peers import Dcmtk

from dimse.data import Dataset, write_file
from dimse.uids import new_uid
from print_mgmt import Sheet
from print_mgmt.film import Annotation
from print_mgmt.site.identify import PatternSource, Source, WorklistSource, identify

pytestmark = pytest.mark.interop


def entry(name: str, patient: str) -> Dataset:
    """Return an entry of a worklist, with the attributes that wlmscpfs demands."""
    step = Dataset(
        ScheduledStationAETitle="CT01",
        ScheduledProcedureStepStartDate="20250102",
        ScheduledProcedureStepStartTime="0900",
        Modality="CT",
        ScheduledPerformingPhysicianName="Roe",
        ScheduledProcedureStepDescription="Thorax",
        ScheduledProcedureStepID="S1",
    )
    dataset = Dataset(
        SpecificCharacterSet="ISO_IR 100",
        PatientName=name,
        PatientID=patient,
        PatientBirthDate="19700102",
        PatientSex="F",
        AccessionNumber=f"A{patient}",
        StudyInstanceUID=f"1.2.{patient}",
        RequestedProcedureID=f"P{patient}",
        RequestedProcedureDescription="Thorax",
        SOPClassUID="1.2.840.10008.5.1.4.31",
        SOPInstanceUID=new_uid(),
    )
    dataset.ScheduledProcedureStepSequence = [step]
    return dataset


async def test_label_and_worklist_identify_a_film(dcmtk: Dcmtk) -> None:
    folder = dcmtk.folder / "worklists" / "RIS"
    folder.mkdir(parents=True)
    (folder / "lockfile").touch()
    for number, name in enumerate(("Döe^Jane", "Roe^Jim"), 4711):
        write_file(folder / f"{number}.wl", entry(name, str(number)))
    texts = (Annotation(AnnotationPosition=1, TextString="ID 4711"),)
    film = accepted_film(sheet=Sheet(ImageDisplayFormat=r"STANDARD\1,1", annotations=texts))
    async with dcmtk.serving("wlmscpfs", "-v", "-dfp", folder.parent) as port:
        sources: dict[str, Source] = {
            "label": PatternSource(pattern=r"ID (?P<PatientID>\d+)"),
            "worklist": WorklistSource(peer=f"RIS@127.0.0.1:{port}"),
        }
        identity = await identify(film, sources)
    assert identity.notes == []
    assert identity.attributes.PatientName == "Döe^Jane"
    assert identity.attributes.AccessionNumber == "A4711"
    assert (identity.sources["PatientID"], identity.sources["StudyInstanceUID"]) == ("label", "worklist")
