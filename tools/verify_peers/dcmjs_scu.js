// A print SCU on dcmjs-dimse, which prints one gray image.   node dcmjs_scu.js HOST PORT AE
const { Client, Dataset, constants, requests, responses } = require('dcmjs-dimse');
const { SopClass, Status } = constants;
const { NActionRequest, NCreateRequest, NDeleteRequest, NGetRequest, NSetRequest } = requests;

const [host, port, called] = process.argv.slice(2);
const META = SopClass.BasicGrayscalePrintManagementMeta;
const PRINTER = ['1.2.840.10008.5.1.1.16', '1.2.840.10008.5.1.1.17'];
const SIDE = 64;
const client = new Client();
const session = Dataset.generateDerivedUid();
const film = Dataset.generateDerivedUid();

// The image box is known only from the response to N-CREATE, so later requests go into the queue of the connection.
function perform(request, then) {
  request.on('response', (response) => {
    const status = response.getStatus();
    if (status !== 0 && (status & 0xf000) !== 0xb000) process.exitCode = 1;
    else if (then) {
      const next = then(response);
      if (next) client.network.requests.push(next);
      else process.exitCode = 1;
    }
  });
  return request;
}

function image(uid) {
  const pixels = Uint8Array.from({ length: SIDE * SIDE }, (_, at) => at % 256).buffer;
  const set = new NSetRequest(SopClass.BasicGrayscaleImageBox, uid, META);
  set.setDataset(new Dataset({
    ImageBoxPosition: 1,
    BasicGrayscaleImageSequence: [{
      SamplesPerPixel: 1, PhotometricInterpretation: 'MONOCHROME2', Rows: SIDE, Columns: SIDE,
      BitsAllocated: 8, BitsStored: 8, HighBit: 7, PixelRepresentation: 0, PixelData: [pixels],
      _vrMap: { PixelData: 'OW' },
    }],
  }));
  return set;
}

const createSession = new NCreateRequest(SopClass.BasicFilmSession, session, META);
createSession.setDataset(new Dataset({ NumberOfCopies: 1 }));
const createFilm = new NCreateRequest(SopClass.BasicFilmBox, film, META);
createFilm.setDataset(new Dataset({
  ImageDisplayFormat: 'STANDARD\\1,1',
  ReferencedFilmSessionSequence: [
    { ReferencedSOPClassUID: SopClass.BasicFilmSession, ReferencedSOPInstanceUID: session },
  ],
}));

function boxOf(response) {
  const boxes = response.hasDataset() ? response.getDataset().getElement('ReferencedImageBoxSequence') : undefined;
  return boxes && boxes.length ? boxes[0].ReferencedSOPInstanceUID : undefined;
}
const deleteSession = () => perform(new NDeleteRequest(SopClass.BasicFilmSession, session, META));
const deleteFilm = () => perform(new NDeleteRequest(SopClass.BasicFilmBox, film, META), deleteSession);
const print = () => perform(new NActionRequest(SopClass.BasicFilmBox, film, 1, META), deleteFilm);
const set = (response) => boxOf(response) && perform(image(boxOf(response)), print);
const make = () => perform(createSession, () => perform(createFilm, set));

client.addRequest(perform(new NGetRequest(...PRINTER, ['PrinterStatus'], META), make));
client.on('networkError', () => { process.exitCode = 1; });
client.on('associationRejected', () => { process.exitCode = 1; });
// The library leaves the confirmation of an event to its users.
client.on('nEventReportRequest', (request, callback) => {
  const response = responses.NEventReportResponse.fromRequest(request);
  response.setStatus(Status.Success);
  callback(response);
});
// Both timeouts are 60 s by default; shorter ones only shorten the run.
client.send(host, Number(port), 'DCMJS', called, { associationTimeout: 15000, pduTimeout: 15000 });
