// A Verification SCP on dcmjs-dimse, as its README has it, which also closes the connection after an A-ABORT.   node dcmjs_scp.js PORT
const { Server, Scp, constants, responses } = require('dcmjs-dimse');
const { PresentationContextResult, SopClass, TransferSyntax } = constants;

class EchoScp extends Scp {
  constructor(socket, options) {
    super(socket, options);
    this.association = undefined;
  }

  associationRequested(association) {
    this.association = association;
    for (const { id } of association.getPresentationContexts()) {
      const context = association.getPresentationContext(id);
      if (context.getAbstractSyntaxUid() !== SopClass.Verification) {
        context.setResult(PresentationContextResult.RejectAbstractSyntaxNotSupported);
        continue;
      }
      const known = [TransferSyntax.ImplicitVRLittleEndian, TransferSyntax.ExplicitVRLittleEndian];
      const syntax = context.getTransferSyntaxUids().find((uid) => known.includes(uid));
      if (syntax) context.setResult(PresentationContextResult.Accept, syntax);
      else context.setResult(PresentationContextResult.RejectTransferSyntaxesNotSupported);
    }
    this.sendAssociationAccept();
  }

  cEchoRequest(request, callback) {
    const response = responses.CEchoResponse.fromRequest(request);
    response.setStatus(constants.Status.Success);
    callback(response);
  }

  associationReleaseRequested() {
    this.sendAssociationReleaseResponse();
  }

  // The library leaves this to its users, and logs an error if it is not implemented. The README has no example.
  abort() {
    this.socket.end();
  }
}

const server = new Server(EchoScp);
server.on('networkError', () => {});
server.listen(Number(process.argv[2]));
