"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const SIDES = ["requestor", "acceptor"];
  const PER_ROW = 16;

  // Every text becomes a text node: nothing in a value is ever read as markup.
  function make(tag, kinds, ...children) {
    const node = document.createElement(tag);
    if (kinds) node.className = kinds;
    for (const child of children) if (child !== null) node.append(child);
    return node;
  }

  function picture(number, words) {
    if (number === undefined || number < 0) return null;
    const [base64, width, height] = data.pictures[number];
    const image = make("img");
    image.src = "data:image/png;base64," + base64;
    image.width = width;
    image.height = height;
    image.alt = words;
    return image;
  }

  const buttons = [...document.querySelectorAll(".step")];
  let current = -1;
  let fields = [];
  let nodes = []; // of each field: its spans in the bytes and its row in the list
  let chosen = -1;

  function field(raw) {
    const [place, depth, kind, name, value, sentence, octets, more] = raw;
    const ranges = [];
    for (let at = 0; at < place.length; at += 2) ranges.push([place[at], place[at + 1]]);
    const [words, table] = data.glossary[sentence];
    return { ranges, depth, kind, name: data.strings[name], value: data.strings[value], words, table, octets, ...more };
  }

  const length = (one) => one.ranges.reduce((sum, range) => sum + range[1], 0);
  const number = (value) => value.toLocaleString("en-US");

  // --- bytes ---

  function segments() {
    const found = [];
    fields.forEach((one, index) => {
      let used = 0;
      const known = one.secret ? Math.min(length(one), 48) : one.octets.length / 2;
      for (const [at, size] of one.ranges) {
        const shown = Math.max(0, Math.min(size, known - used));
        if (size) found.push({ index, at, size, shown, from: used });
        used += size;
      }
    });
    return found.sort((a, b) => a.at - b.at);
  }

  function showBytes() {
    const rows = [];
    let row = null;
    const begin = (at) => {
      row = { node: make("div", "row", make("i", "", at.toString(16).toUpperCase().padStart(6, "0"))), text: make("u"), count: 0, next: at };
      rows.push(row);
    };
    const finish = () => {
      if (!row) return;
      row.node.append(" ".repeat(3 * (PER_ROW - row.count)), row.text);
      row = null;
    };
    for (const { index, at, size, shown, from } of segments()) {
      const one = fields[index];
      let done = 0;
      while (done < shown) {
        if (row && (row.count === PER_ROW || row.next !== at + done)) finish();
        if (!row) begin(at + done);
        const count = Math.min(PER_ROW - row.count, shown - done);
        let hex = "";
        let text = "";
        for (let place = from + done; place < from + done + count; place++) {
          const byte = parseInt(one.octets.substr(2 * place, 2), 16);
          hex += one.secret ? "** " : one.octets.substr(2 * place, 2).toUpperCase() + " ";
          text += one.secret ? "*" : byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·";
        }
        row.node.append(link(make("span", "b k" + one.kind, hex.slice(0, -1)), index), " ");
        row.text.append(link(make("span", "b", text), index));
        row.count += count;
        row.next += count;
        done += count;
      }
      if (shown < size) {
        finish();
        const words = `⋯ ${number(size - shown)} ${from || shown ? "more " : ""}bytes of ${one.name}`;
        rows.push({ node: link(make("span", "gap k" + one.kind, words), index) });
      }
    }
    finish();
    byId("hex").replaceChildren(...rows.map((each) => each.node));
    byId("hex").scrollTop = 0;
  }

  function link(node, index) {
    node.dataset.field = index;
    if (fields[index].error) node.classList.add("bad");
    nodes[index].push(node);
    return node;
  }

  // --- fields ---

  function showFields() {
    const rows = fields.map((one, index) => {
      const row = make("div", `field f${one.kind} d${Math.min(one.depth, 8)}`, make("b", "", one.name));
      if (one.tag) row.append(make("em", "", one.tag));
      row.append(make("span", "", one.value));
      row.setAttribute("role", "option");
      row.id = "field-" + index;
      return link(row, index);
    });
    byId("fields").replaceChildren(...rows);
    byId("fields").scrollTop = 0;
  }

  function hover(event, isOver) {
    const at = event.target.closest("[data-field]");
    if (at) for (const node of nodes[at.dataset.field] || []) node.classList.toggle("hot", isOver);
    if (at && isOver) card(Number(at.dataset.field));
    else if (!isOver) card(chosen);
  }

  function choose(index, from) {
    if (!fields.length) return;
    index = Math.max(0, Math.min(fields.length - 1, index));
    for (const node of nodes[chosen] || []) node.classList.remove("on");
    if (nodes[chosen]) byId("field-" + chosen).setAttribute("aria-selected", "false");
    chosen = index;
    for (const node of nodes[index]) node.classList.add("on");
    byId("field-" + index).setAttribute("aria-selected", "true");
    byId("fields").setAttribute("aria-activedescendant", "field-" + index);
    const bytes = nodes[index].find((node) => byId("hex").contains(node));
    if (from !== "hex" && bytes) reveal(byId("hex"), bytes);
    if (from !== "fields") reveal(byId("fields"), byId("field-" + index));
    card(index);
  }

  function reveal(box, node) {
    const outer = box.getBoundingClientRect();
    const inner = node.getBoundingClientRect();
    if (inner.top < outer.top || inner.bottom > outer.bottom) box.scrollTop += inner.top - outer.top - outer.height / 3;
  }

  function card(index) {
    const one = fields[index];
    const invitation = fields.length ? "Point at a byte or a field." : "The page shows no fields of this step.";
    if (!one) return byId("card").replaceChildren(make("p", "place", invitation));
    const [first] = one.ranges;
    const pieces = one.ranges.length > 1 ? ` in ${one.ranges.length} pieces, each in a PDV of its own` : "";
    const size = length(one);
    const place = `${one.table ? one.table + " · " : ""}${size ? `byte ${number(first[0])}, ${number(size)} ${size === 1 ? "byte" : "bytes"}${pieces}` : "no bytes"}`;
    byId("card").replaceChildren(
      make("h3", "", one.tag ? `${one.name} ${one.tag}` : one.name),
      ...(one.value ? [make("p", "", one.value)] : []),
      ...(one.words ? [make("p", "", one.words)] : []),
      ...(one.error ? [make("p", "wrong", one.error)] : []),
      make("p", "place", place),
      ...(one.picture >= 0 ? [picture(one.picture, "the pixels")] : []),
    );
  }

  // --- states ---

  function showMoves(steps, at) {
    for (const cell of document.querySelectorAll(".grid .lit0, .grid .lit1, .grid .was0, .grid .was1"))
      cell.classList.remove("lit0", "lit1", "was0", "was1");
    const rows = [];
    for (const [side, before, event, action, after, count] of steps[at].moves) {
      const cell = document.querySelector(`[data-cell="${before} ${event}"]`);
      for (const lit of document.querySelectorAll(`.grid td.lit${side}`)) lit.classList.replace("lit" + side, "was" + side);
      cell.classList.add("lit" + side);
      const doing = action ? `${action}: ${data.actions[action].join(", ") || "nothing"}` : "a blank cell: the event cannot happen in this state";
      const times = count > 1 ? `, ${number(count)} times` : "";
      rows.push(make("p", "", make("b", SIDES[side], `${SIDES[side]} ${before}`), ` ${event} (${data.events[event]}) → ${doing} → `, make("b", SIDES[side], after), times));
    }
    if (!rows.length) rows.push(make("p", "", "The recording does not show what the state machines do here."));
    const now = [null, null];
    for (let step = 0; step <= at; step++) for (const move of steps[step].moves) now[move[0]] = move[4];
    now.forEach((state, side) => {
      const head = state && document.querySelector(`[data-state="${state}"]`);
      if (head) head.classList.add("lit" + side);
    });
    byId("moves").replaceChildren(...rows);
  }

  // --- what the messages create ---

  function showFilm(steps, at) {
    const things = new Map();
    let count = 0;
    for (let step = 0; step <= at; step++)
      for (const event of steps[step].viewEvents || []) things.set(event.key || `#${count++}`, { ...event, fresh: step === at });
    const shown = [];
    for (const [key, thing] of things) {
      if (thing.box && things.has(thing.box[0])) continue;
      const node = make("div", "thing" + (thing.fresh ? " new" : ""), make("b", "", thing.name), make("p", "", thing.words));
      if (thing.ratio) node.append(sheet(key, thing, things));
      else if (thing.picture >= 0) node.append(picture(thing.picture, thing.name));
      shown.push(node);
    }
    const pictures = [];
    if (!shown.length)
      for (let step = at; step >= 0 && pictures.length < 6; step--)
        for (const raw of steps[step].fields) if (raw[7] && raw[7].picture >= 0) pictures.push(make("div", "thing", make("b", "", `pixels of ${steps[step].name}`), picture(raw[7].picture, "the pixels")));
    const plain = !steps.some((step) => step.viewEvents || step.fields.some((raw) => raw[7] && raw[7].picture >= 0));
    byId("film").hidden = plain;
    document.querySelector("main").classList.toggle("plain", plain);
    const created = [...shown, ...pictures];
    if (!created.length) created.push(make("p", "", "Nothing yet."));
    byId("film").replaceChildren(make("h2", "", "What the messages create"), ...created);
  }

  function sheet(key, thing, things) {
    const film = make("div", "sheet");
    film.style.aspectRatio = String(thing.ratio);
    if (thing.picture >= 0) {
      film.append(picture(thing.picture, thing.name));
      return film;
    }
    thing.boxes.forEach(([left, top, width, height, words], number) => {
      const box = make("div", "box");
      Object.assign(box.style, { left: left * 100 + "%", top: top * 100 + "%", width: width * 100 + "%", height: height * 100 + "%" });
      const inside = [...things.values()].find((other) => other.box && other.box[0] === key && other.box[1] === number);
      box.append((inside && picture(inside.picture, inside.name)) || (inside ? inside.words : words));
      film.append(box);
    });
    return film;
  }

  // --- steps ---

  function contract(found) {
    const table = make("table", "", make("tr", "", ...["ID", "abstract syntax", "result", "transfer syntax"].map((name) => make("th", "", name))));
    for (const [id, abstract, result, transfer] of found.contexts)
      table.append(make("tr", "", ...[String(id), abstract, result, transfer].map((text) => make("td", "", text))));
    const limit = (value, unit) => (value ? number(value) + unit : "no limit");
    const words = `Longest P-DATA-TF that the requestor receives: ${limit(found.lengths[0], " bytes")}; the acceptor: ${limit(found.lengths[1], " bytes")}. Requests of the requestor that may be outstanding: ${limit(found.window[0], "")}.`;
    return [make("p", "", words), table];
  }

  function open(at) {
    at = Math.max(0, Math.min(buttons.length - 1, at));
    if (!buttons.length) return;
    if (buttons[current]) buttons[current].removeAttribute("aria-current");
    current = at;
    const button = buttons[at];
    button.setAttribute("aria-current", "step");
    const chapter = data.chapters[button.dataset.chapter];
    const index = Number(button.dataset.step);
    const step = chapter.steps[index];
    reveal(byId("sequence"), button);
    byId("where").textContent = chapter.title;
    byId("count").textContent = `${at + 1} of ${buttons.length}`;
    byId("back").disabled = at === 0;
    byId("next").disabled = at === buttons.length - 1;
    fields = step.fields.map(field);
    nodes = fields.map(() => []);
    chosen = -1;
    const errors = [...new Set(fields.filter((one) => one.error).map((one) => one.error))];
    const pdus = step.pdus > 1 ? ` in ${number(step.pdus)} PDUs` : "";
    const size = step.length ? `${SIDES[step.side]}, bytes ${number(step.at)} to ${number(step.at + step.length - 1)}${pdus}` : "";
    byId("says").replaceChildren(
      make("h2", "", step.name),
      make("p", "", step.words),
      make("p", "", size),
      ...errors.slice(0, 8).map((error) => make("p", "wrong", error)),
      ...(step.contract ? contract(step.contract) : []),
    );
    showBytes();
    showFields();
    showMoves(chapter.steps, index);
    showFilm(chapter.steps, index);
    if (fields.length) choose(Math.max(0, fields.findIndex((one) => one.error)), "");
    else card(-1);
    if (location.protocol !== "about:") history.replaceState(null, "", "#" + (at + 1));
  }

  buttons.forEach((button, at) => button.addEventListener("click", () => open(at)));
  byId("back").addEventListener("click", () => open(current - 1));
  byId("next").addEventListener("click", () => open(current + 1));
  for (const id of ["hex", "fields"]) {
    byId(id).addEventListener("mouseover", (event) => hover(event, true));
    byId(id).addEventListener("mouseout", (event) => hover(event, false));
    byId(id).addEventListener("click", (event) => {
      const at = event.target.closest("[data-field]");
      if (at) choose(Number(at.dataset.field), id);
    });
  }
  const KEYS = {
    ArrowLeft: () => open(current - 1),
    ArrowRight: () => open(current + 1),
    ArrowUp: () => choose(chosen - 1, ""),
    ArrowDown: () => choose(chosen + 1, ""),
    Home: () => open(0),
    End: () => open(buttons.length - 1),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  open((Number(location.hash.slice(1)) || 1) - 1);
})();
