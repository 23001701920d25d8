// Python in a worker: it loads what `make playground` has put beside this page, and runs the commands of dimse.
import { loadPyodide } from "./vendor/pyodide.mjs";

const started = (async () => {
  const python = await loadPyodide({ indexURL: new URL("./vendor/", import.meta.url).href });
  const packed = await (await fetch("vendor/dimse.zip")).arrayBuffer();
  python.unpackArchive(packed, "zip", { extractDir: "/lib/app" });
  python.runPython(await (await fetch("explain.py")).text());
  return python;
})();

started.then(
  (python) => postMessage({ ready: python.globals.get("versions")().toJs({ dict_converter: Object.fromEntries }) }),
  (error) => postMessage({ failed: String(error) }),
);

onmessage = async ({ data }) => {
  try {
    const python = await started;
    const start = performance.now();
    python.FS.writeFile("/tmp/recording", data.data);
    const [output, kind, faults] = python.globals.get("explain")(data.name, data.view, data.redact).toJs();
    const seconds = (performance.now() - start) / 1000;
    postMessage({ number: data.number, name: data.name, redacted: data.redact, kind, output, faults, seconds });
  } catch (error) {
    // Python may have run out of memory, and is not used again.
    const words = String(error).trim().split("\n").at(-1).slice(0, 200);
    postMessage({ number: data.number, name: data.name, broken: words });
  }
};
