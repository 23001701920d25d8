"use strict";
// Every text of a peer is set with textContent, so no value can become part of the page.

const MAX_STEPS = 2000; // the oldest steps leave the page
const MAX_FIELDS = 400; // fields of one step that are kept and shown
const list = document.getElementById("steps");
const detail = document.getElementById("detail");
const which = document.getElementById("which");
const follow = document.getElementById("follow");
const state = document.getElementById("state");
const open = new Map(); // the fields of the step that is under way, by association and side

function keep(held, fields) {
  held.count += fields.length;
  held.isBad = held.isBad || fields.some((field) => field.error);
  for (const field of fields) {
    if (held.fields.length >= MAX_FIELDS) return;
    held.fields.push(field);
  }
}

function element(name, words, kind) {
  const made = document.createElement(name);
  if (words !== undefined) made.textContent = words;
  if (kind) made.className = kind;
  return made;
}

function isShown(row) {
  return which.value === "" || row.dataset.association === which.value;
}

function add(row, association) {
  row.dataset.association = association;
  row.hidden = !isShown(row);
  list.append(row);
  while (list.childElementCount > MAX_STEPS) list.firstElementChild.remove();
  if (follow.checked) list.scrollTop = list.scrollHeight;
}

function note(association, words, isBad) {
  add(element("li", (association ? association + ": " : "") + words, isBad ? "note bad" : "note"), association);
}

function step(event, name, words, held) {
  const row = element("li", undefined, event.side);
  if (event.time !== undefined) row.append(element("time", event.time.toFixed(3) + " s"));
  row.append(element("b", event.association + (event.side === "requestor" ? " → " : " ← ") + name));
  row.append(element("span", words));
  if (held.isBad) row.classList.add("bad");
  row.fields = held.fields;
  row.more = held.count - held.fields.length;
  row.title = name;
  add(row, event.association);
}

function choose(row) {
  if (!row || !row.fields) return;
  for (const other of list.querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  row.scrollIntoView({ block: "nearest" });
  const table = element("table");
  for (const field of row.fields) {
    const line = element("tr");
    const bytes = field.secret ? "hidden" : (field.hex || "").slice(0, 64).replace(/(..)/g, "$1 ");
    line.append(element("td", bytes + (field.elided || (field.hex || "").length > 64 ? "…" : ""), "hex"));
    const cell = element("td");
    cell.style.setProperty("padding-left", Math.min(field.depth, 12) * 0.7 + "rem");
    cell.append(element("b", (field.tag ? field.tag + " " : "") + field.name));
    if (field.value) cell.append(element("span", field.value, "value"));
    if (field.table) cell.append(element("span", field.table, "soft"));
    if (field.error) cell.append(element("span", field.error, "error"));
    line.append(cell);
    table.append(line);
  }
  detail.replaceChildren(element("h2", row.title), table);
  if (row.more > 0) detail.append(element("p", "and " + row.more + " more fields", "soft"));
}

function key(event) {
  return event.association + event.side;
}

function flush(event) {
  const held = open.get(key(event));
  open.delete(key(event));
  if (held) step(held.event, held.event.name, held.event.data.summary || "", held);
}

const handlers = {
  association(event) {
    if (event.name === "start") {
      const option = element("option", event.association + (event.data.requestor ? " " + event.data.requestor : ""));
      option.value = event.association;
      which.append(option);
      if (which.childElementCount > 200) which.children[1].remove();
      const addresses = event.data.requestor ? ": " + event.data.requestor + " → " + event.data.acceptor : "";
      note(event.association, "begins" + addresses);
    } else {
      flush({ association: event.association, side: "requestor" });
      flush({ association: event.association, side: "acceptor" });
      note(event.association, event.data.words || "ended");
    }
  },
  pdu(event) {
    const held = open.get(key(event));
    if (held && event.name === "P-DATA-TF") {
      keep(held, event.data.fields);
      return;
    }
    flush(event);
    const begun = { event: event, fields: [], count: 0, isBad: false };
    keep(begun, event.data.fields);
    open.set(key(event), begun);
  },
  message(event) {
    const held = open.get(key(event));
    open.delete(key(event));
    step(event, event.name, event.data.words, held || { fields: [], count: 0, isBad: false });
  },
  print(event) {
    note(event.association, event.name + ": " + event.data.words);
  },
  state(event) {
    flush(event);
  },
  negotiation() {},
};
for (const category of ["item", "pdv", "command", "element"]) {
  handlers[category] = (event) => {
    const held = open.get(key(event));
    if (held) keep(held, event.data.fields);
  };
}

const source = new EventSource("events");
source.onopen = () => { state.textContent = "live"; };
source.onerror = () => { state.textContent = "not connected; trying again"; };
for (const [category, handle] of Object.entries(handlers)) {
  source.addEventListener(category, (message) => handle(JSON.parse(message.data)));
}
source.addEventListener("lost", (message) => {
  note("", JSON.parse(message.data).events + " events were lost: this page reads too slowly, or came too late", true);
});

list.addEventListener("click", (event) => choose(event.target.closest("li")));
list.addEventListener("keydown", (event) => {
  const rows = [...list.children].filter((row) => row.fields && !row.hidden);
  const at = rows.findIndex((row) => row.hasAttribute("aria-current"));
  const places = { ArrowDown: at + 1, ArrowUp: at < 0 ? 0 : at - 1, Home: 0, End: rows.length - 1 };
  if (!Object.hasOwn(places, event.key)) return;
  event.preventDefault();
  follow.checked = false;
  choose(rows[places[event.key]]);
});
which.addEventListener("change", () => { for (const row of list.children) row.hidden = !isShown(row); });
document.getElementById("clear").addEventListener("click", () => { list.replaceChildren(); });
