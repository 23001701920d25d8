// The page: it hands a file to the worker, in which Python runs, and shows the result.
const MAX_BYTES = 128 << 20; // a larger file would not fit into the memory of the worker together with its explanation
const MAX_SHOWN = 4 << 20; // characters of a text that are shown; the file that is saved has all
const by = (id) => document.getElementById(id);
let worker = null;
let file = null; // { name, data }
let result = null;
let asked = 0; // the number of the last question; an older answer is ignored

function say(words) {
  by("state").textContent = words;
}

function show(answer) {
  result = answer;
  by("save").disabled = answer.output === "";
  by("faults").hidden = answer.faults === "";
  by("faults").textContent = answer.faults;
  const isPage = answer.kind === "page";
  by("page").hidden = !isPage || answer.output === "";
  by("text").hidden = isPage || answer.output === "";
  by("page").srcdoc = isPage ? answer.output : "";
  by("text").textContent = isPage ? "" : answer.output.slice(0, MAX_SHOWN);
  by("stop").disabled = true;
  const cut = !isPage && answer.output.length > MAX_SHOWN ? `; here are the first ${MAX_SHOWN} characters, Save has all` : "";
  say(`${answer.name}: explained in ${answer.seconds.toFixed(1)} s${cut}`);
}

function explain() {
  if (file === null) return;
  asked += 1;
  by("stop").disabled = false;
  say(`${file.name}: explaining …`);
  worker.postMessage({ number: asked, name: file.name, data: file.data, view: by("view").value, redact: by("redact").checked });
}

async function take(name, blob) {
  if (blob.size > MAX_BYTES) {
    say(`${name} has more than ${MAX_BYTES >> 20} MiB; use the command dimse explain`);
    return;
  }
  file = { name, data: new Uint8Array(await blob.arrayBuffer()) };
  explain();
}

// A new worker, with a new Python; the old one may be busy or out of memory.
function start(words) {
  if (worker !== null) worker.terminate();
  file = words === undefined ? file : null;
  by("stop").disabled = true;
  worker = new Worker("worker.js", { type: "module" });
  worker.addEventListener("message", ({ data }) => {
    if (data.ready) {
      say(words || `Ready: dimse ${data.ready.dimse} on Python ${data.ready.python}.`);
      explain();
    } else if (data.failed) {
      say(`Python did not start: ${data.failed}`);
    } else if (data.broken !== undefined) {
      start(`${data.name} cannot be explained here: ${data.broken}. Use the command dimse explain.`);
    } else if (data.number === asked) {
      show(data);
    }
  });
  worker.addEventListener("error", (event) => say(`Python did not start: ${event.message || "run make playground first"}`));
}

by("file").addEventListener("change", (event) => {
  const chosen = event.target.files[0];
  if (chosen) take(chosen.name, chosen);
});
by("example").addEventListener("click", async () => take("film.pcapng", await (await fetch("vendor/film.pcapng")).blob()));
by("stop").addEventListener("click", () => start(`${file.name}: stopped.`));
by("view").addEventListener("change", explain);
by("redact").addEventListener("change", explain);
by("save").addEventListener("click", () => {
  const isPage = result.kind === "page";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([result.output], { type: isPage ? "text/html" : "text/plain" }));
  const name = result.redacted ? "recording" : result.name; // a file name may have the name of a patient
  link.download = `${name}.${isPage ? "html" : "txt"}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
document.addEventListener("dragleave", () => document.body.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  const dropped = event.dataTransfer.files[0];
  if (dropped) take(dropped.name, dropped);
});
by("form").addEventListener("submit", (event) => event.preventDefault());
start();
