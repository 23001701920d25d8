"""N-GET: PS3.4 H.4.5, H.4.6 and H.4.11."""

from datetime import datetime
from typing import Any

import pytest
from print_scu import COLOR, CONFIG, GRAY, SUCCESS, Scu, ramp

from dimse.data import IMPLICIT_LE, Dataset, decode, encode, lookup, tag_of
from dimse.message import NGetRQ
from dimse.uids import (
    BasicFilmBox,
    PrinterConfigurationRetrieval,
    PrinterConfigurationRetrievalInstance,
    PrinterInstance,
    PrintJob,
)
from dimse.uids import Printer as PrinterClass
from print_mgmt.attributes import Table
from print_mgmt.attributes.tables import PRINT_JOB, PRINTER, PRINTER_CONFIGURATION
from print_mgmt.config import PRESETS, PrinterConfig, preset
from print_mgmt.jobs import PrinterState, PrintQueue
from print_mgmt.model import Printer
from print_mgmt.typed import items


@pytest.mark.parametrize("meta", [GRAY, COLOR, PrinterClass])
def test_printer_answers_on_any_context(meta: str) -> None:
    message = NGetRQ(MessageID=1, RequestedSOPClassUID=PrinterClass, RequestedSOPInstanceUID=PrinterInstance)
    assert Scu().ask(message, on=meta).Status == SUCCESS


def test_printer_returns_its_status() -> None:
    state = PrinterState()
    scu = Scu(state=state)
    state.set("WARNING", "SUPPLY LOW")
    answer = scu.get(PrinterClass, PrinterInstance, "PrinterStatus", "PrinterStatusInfo")
    assert answer.dataset == Dataset(PrinterStatus="WARNING", PrinterStatusInfo="SUPPLY LOW")


def test_job_is_found_on_any_association() -> None:
    """PS3.4 H.4.5: the association that made it may have ended."""
    jobs = PrintQueue()
    owner = Scu(jobs=jobs, calling_ae_title="OWNER")
    film_box, boxes = owner.film()
    owner.image(boxes[0], 1, ramp())
    job = owner.print(BasicFilmBox, film_box).job
    assert job is not None
    assert Scu(jobs=jobs).get(PrintJob, job.SOPInstanceUID).Status == 0x0112, "it is not in the queue yet"
    jobs.offer(job, datetime(2024, 2, 29, 7, 8, 9))
    owner.service.close()
    answer = Scu(jobs=jobs).get(PrintJob, job.SOPInstanceUID)
    assert answer.dataset == Dataset(
        ExecutionStatus="PENDING",
        ExecutionStatusInfo="QUEUED",
        PrintPriority="MED",
        CreationDate="20240229",
        CreationTime="070809",
        PrinterName="TEST",
        Originator="OWNER",
    )
    some = Scu(jobs=jobs).get(PrintJob, job.SOPInstanceUID, "ExecutionStatus", "FilmSessionLabel")
    assert (some.Status, some.dataset) == (0x0107, Dataset(ExecutionStatus="PENDING"))


WORLDWIDE = PrinterConfig(printer=Printer(PrinterName="Röntgen 印刷", Manufacturer="Dünya"))


@pytest.mark.parametrize("asked", [(), ("PrinterName",)])
def test_name_of_a_printer_may_be_in_any_script(asked: tuple[str, ...]) -> None:
    answer = Scu(config=WORLDWIDE).get(PrinterClass, PrinterInstance, *asked)
    assert answer.dataset is not None
    found = decode(encode(answer.dataset, IMPLICIT_LE), IMPLICIT_LE)
    assert (answer.Status, found.PrinterName) == (SUCCESS, "Röntgen 印刷")


def test_job_names_its_printer_in_any_script() -> None:
    jobs = PrintQueue()
    scu = Scu(config=WORLDWIDE, jobs=jobs)
    job = scu.print(BasicFilmBox, scu.film()[0]).job
    assert job is not None
    jobs.offer(job, datetime(2024, 2, 29, 7, 8, 9))
    answer = scu.get(PrintJob, job.SOPInstanceUID, "PrinterName")
    assert answer.dataset is not None
    assert decode(encode(answer.dataset, IMPLICIT_LE), IMPLICIT_LE).PrinterName == "Röntgen 印刷"


def test_configuration_may_be_in_any_script() -> None:
    for item in configuration(WORLDWIDE):
        assert (item.PrinterName, item.Manufacturer) == ("Röntgen 印刷", "Dünya")


def configuration(config: PrinterConfig = CONFIG) -> list[Dataset]:
    answer = Scu(config=config).get(PrinterConfigurationRetrieval, PrinterConfigurationRetrievalInstance)
    assert answer.Status == SUCCESS
    assert answer.dataset is not None
    return items(decode(encode(answer.dataset, IMPLICIT_LE), IMPLICIT_LE), "PrinterConfigurationSequence")


def check_values(table: Table, dataset: Dataset, path: str) -> None:
    """Check that all mandatory attributes are present, with values and multiplicities of the standard."""
    assert {element.keyword for element in dataset} <= {row.keyword for row in table}, path
    for row in table:
        where, entry = f"{path}.{row.keyword}", lookup(tag_of(row.keyword))
        assert entry is not None, where
        assert row.keyword in dataset or row.usage.endswith("MC"), where
        value = dataset.get(row.keyword)
        values: list[Any] = value if isinstance(value, list) and not row.values.is_sequence else [value]
        for one in values if entry.vm != "2" else []:
            own = row.keyword in ("MediumType", "FilmSizeID")  # Defined Terms, which a printer may extend
            assert one is None or own or row.values.allows(one), f"{where} {one!r}"
        assert value is None or entry.vm == "1-n" or len(values) == int(entry.vm), where
        for index, item in enumerate(items(dataset, row.keyword) if row.items else []):
            check_values(row.items, item, f"{where}[{index}]")


@pytest.mark.parametrize("name", PRESETS)
def test_responses_have_the_standards_attributes(name: str) -> None:
    """PS3.4 Tables H.4-26, H.4-17 and H.4-15, attribute by attribute, also after encoding and decoding."""
    scu = Scu(config=preset(name))
    film, _ = scu.film(ImageDisplayFormat="STANDARD\\1,1")
    job = scu.print(BasicFilmBox, film).job
    assert job is not None
    for table, dataset in (
        (PRINTER_CONFIGURATION, Dataset(PrinterConfigurationSequence=configuration(preset(name)))),
        (PRINTER, scu.get(PrinterClass, PrinterInstance).dataset),
        (PRINT_JOB, job.attributes()),
    ):
        assert dataset is not None
        check_values(table, decode(encode(dataset, IMPLICIT_LE), IMPLICIT_LE), "")


def test_empty_uid_names_the_configuration() -> None:
    scu = Scu()
    assert scu.get(PrinterConfigurationRetrieval, "").Status == SUCCESS
    assert scu.get(PrinterConfigurationRetrieval, "1.2.3").Status == 0x0112
