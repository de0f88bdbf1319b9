// The browser's half of BrowserEvents: one EventSource for each widget, however often it is shown.

const FLUSH_MS = 100; // between two reports to Python
const PATIENCE_MS = 1000; // until a report that Python has not confirmed is repeated; then twice as long
const QUIET = STATES.closed; // the colours of look.py

const streams = new Map(); // by the key of a widget: the functions for its views

function initialize({ model }) {
  const run = crypto.randomUUID?.() ?? String(Math.random()); // a page that is loaded again starts again
  const views = new Set(); // functions that draw
  const seen = { state: "no browser", opened: 0, errors: 0, count: 0, last_id: "" };
  let shown = []; // the newest events
  let version = 0; // of the next report
  let waiting = []; // the newest events that Python has not confirmed, each after the version it came with
  let patience = PATIENCE_MS; // until the next repetition
  let stream = null; // a controller: to abort it closes the stream
  let note = ""; // why the stream is not open yet, or not any more
  let way = ""; // how the server is reached, where that is not direct
  let timer = null; // until the next report
  let over = false; // there is nobody to report to

  // A report holds everything that Python has not confirmed. It may therefore be late, lost, or come twice.
  function report() {
    if (over) return;
    model.send({ run, version, events: waiting, seen });
    timer = setTimeout(report, patience);
    patience *= 2;
  }

  function confirmed(told) {
    if (told.run !== run || timer === null) return;
    waiting = waiting.filter(([its]) => its > told.version);
    patience = PATIENCE_MS;
    clearTimeout(timer);
    timer = told.version < version ? setTimeout(report, FLUSH_MS) : null;
  }

  function redraw() {
    for (const draw of views) draw(seen, shown, [way, note || story()].filter(Boolean).join("; "));
  }

  // What the state means, in words.
  function story() {
    if (seen.state === "open") return seen.count ? "" : "nothing heard yet";
    if (seen.state !== "connecting") return "";
    return seen.errors ? "lost, and on the way back" : "no answer yet";
  }

  function changed(values, event) {
    version++;
    Object.assign(seen, values);
    if (event) {
      shown = [event, ...shown].slice(0, model.get("show"));
      waiting.push([version, ...event]);
      if (waiting.length > model.get("keep")) waiting.shift();
    }
    redraw();
    timer ??= setTimeout(report, FLUSH_MS);
  }

  function tell(text) {
    note = text;
    changed({});
  }

  function open() {
    if (stream || over || model.get("stopped")) return;
    changed({ state: "connecting" });
    stream = new AbortController();
    reach(model, stream.signal, connect, () => tell(WAITS));
  }

  function connect(url) {
    way = new URL(url).origin === location.origin ? "through JupyterLab" : "";
    tell("");
    const mine = stream;
    const source = new EventSource(url, { withCredentials: model.get("credentials") });
    mine.signal.addEventListener("abort", () => source.close());
    // The EventSource has events of its own, which are no messages. A message may have the same name.
    const own = (type, react) =>
      source.addEventListener(type, (event) => event instanceof MessageEvent || react());
    own("open", () => changed({ state: "open", opened: seen.opened + 1 }));
    own("error", () => {
      const closed = source.readyState === EventSource.CLOSED;
      if (closed) note = "the browser does not try again";
      changed({ state: closed ? "closed" : "connecting", errors: seen.errors + 1 });
      if (closed) mine.abort(); // another stream may have the place
    });
    for (const type of new Set(model.get("types"))) {
      source.addEventListener(type, (event) => {
        if (!(event instanceof MessageEvent)) return;
        const news = { count: seen.count + 1, last_id: event.lastEventId };
        changed(news, [event.type, event.data, event.lastEventId]);
      });
    }
  }

  function close(why) {
    if (!stream) return;
    stream.abort();
    stream = null;
    if (seen.state !== "closed") note = why;
    changed({ state: "closed" });
  }

  function end() {
    close("");
    over = true;
    note = OVER;
    redraw();
  }

  // The views come and go. The stream is open as long as there is a view.
  streams.set(model.get("key"), {
    enter(draw) {
      views.add(draw);
      redraw();
      open();
    },
    leave(draw) {
      views.delete(draw);
      if (!views.size) close("");
    },
  });
  model.on("change:stopped", () => model.get("stopped") && close("stopped"));
  model.on("msg:custom", confirmed);
  const leaveKernel = watchKernel(model, end);
  return () => {
    end();
    streams.delete(model.get("key"));
    leaveKernel();
  };
}

function render({ model, el }) {
  const { pathname, search } = new URL(model.get("url"));
  const head = document.createElement("div");
  const list = document.createElement("div");
  head.className = "browser-events";
  head.style.cssText = "display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 14px;margin:3px 0";
  list.style.cssText =
    "font-family:var(--jp-code-font-family,monospace);font-size:13px;line-height:1.5;overflow-wrap:anywhere";
  el.append(head, list);

  function part(tag, text, style = "") {
    const node = document.createElement(tag);
    node.textContent = text; // never markup: data comes from anywhere
    node.style.cssText = style;
    return node;
  }

  function number(name, value, style = "") {
    const node = part("span", `${name} `);
    node.append(part("b", value, style), " "); // the space is for those who read the text alone
    return node;
  }

  function draw({ state, count, opened, errors, last_id }, shown, story) {
    const pill = `background:${STATES[state] ?? QUIET};color:white;border-radius:9px;padding:0 9px;min-width:5.5em;text-align:center`;
    const id = part("span", "last id ");
    id.append(part("code", last_id || "-"), " ");
    head.replaceChildren(
      part("span", state, pill),
      part("code", ` ${pathname}${search} `, "overflow-wrap:anywhere"),
      number("events", count),
      number("opened", opened),
      number("errors", errors, errors ? `color:${STATES.failed}` : ""),
      ...(last_id ? [id] : []),
      part("i", story),
    );
    head.dataset.state = state;
    const lines = shown.map(([type, data, id]) => {
      const line = document.createElement("div");
      line.append(part("b", type), part("span", ` ${id} `, `color:${QUIET}`), part("span", data));
      return line;
    });
    list.replaceChildren(...lines);
  }

  const stream = streams.get(model.get("key"));
  stream.enter(draw);
  return () => stream.leave(draw);
}

export default { initialize, render };
