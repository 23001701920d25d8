"""N-GET of the printer, its configuration, and print jobs (PS3.4 H.4.5, H.4.6 and H.4.11)."""

from dimse.data import Dataset, Tag, keyword_of
from dimse.message import NGetRQ
from dimse.uids import PrinterConfigurationRetrievalInstance, PrinterInstance

from ..attributes import shown
from ..config import configuration_of
from ..status import ATTRIBUTE_LIST, NO_SUCH_INSTANCE
from .answer import Answer, failure
from .instances import Instances

__all__ = ["get_print_job", "get_printer", "get_printer_configuration"]

_CHARSET = "SpecificCharacterSet"
_MAX_UNKNOWN = 64  # unknown attributes that a response names at most; peers limit the length of a Command Set


def get_printer(instances: Instances, message: NGetRQ) -> Answer:
    """Return the attributes of the printer, PS3.4 H.4.6.2.2. The instance UID may be empty, as some SCUs send it."""
    if message.RequestedSOPInstanceUID not in (PrinterInstance, ""):
        raise failure(NO_SUCH_INSTANCE, f"the printer's instance UID is {PrinterInstance}")
    state = instances.state
    attributes = instances.config.printer.attributes(state.PrinterStatus, state.PrinterStatusInfo)
    return _select(attributes, message, PrinterInstance)


def get_print_job(instances: Instances, message: NGetRQ) -> Answer:
    """Return the attributes of a print job, which any association may have created (PS3.4 H.4.5.2.2)."""
    job = instances.jobs.find(message.RequestedSOPInstanceUID)
    if job is None:
        raise failure(NO_SUCH_INSTANCE, f"there is no Print Job {shown(message.RequestedSOPInstanceUID)}")
    return _select(job.attributes(), message, job.SOPInstanceUID)


def get_printer_configuration(instances: Instances, message: NGetRQ) -> Answer:
    """Return the configuration of the printer, PS3.4 H.4.11.2.2."""
    if message.RequestedSOPInstanceUID not in (PrinterConfigurationRetrievalInstance, ""):
        raise failure(NO_SUCH_INSTANCE, f"the configuration's instance UID is {PrinterConfigurationRetrievalInstance}")
    return _select(configuration_of(instances.config), message, PrinterConfigurationRetrievalInstance)


def _select(attributes: Dataset, message: NGetRQ, uid: str) -> Answer:
    """Return the requested attributes, and a warning (0107) for unknown ones; return all if the request names none."""
    asked = message.AttributeIdentifierList
    if not asked:
        return Answer(dataset=attributes, AffectedSOPInstanceUID=uid)
    found = Dataset()
    for tag in asked:
        if tag in attributes:
            found.add(attributes[tag])
    if found and _CHARSET in attributes:  # the response needs it for text, even if it was not requested (PS3.5 6.1.2.2)
        found.add(attributes[_CHARSET])
    unknown = tuple(Tag(tag) for tag in dict.fromkeys(asked) if tag not in attributes)
    if not unknown:
        return Answer(dataset=found, AffectedSOPInstanceUID=uid)
    names = ", ".join(keyword_of(tag) or str(tag) for tag in unknown[:3])
    return Answer(
        Status=ATTRIBUTE_LIST,
        comment=f"there is no {names}",
        dataset=found,
        AffectedSOPInstanceUID=uid,
        AttributeIdentifierList=unknown[:_MAX_UNKNOWN],
    )
