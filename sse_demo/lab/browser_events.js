// The browser's half of BrowserEvents: one EventSource for each widget, however often it is shown.

const FLUSH_MS = 100; // between two reports to Python
const PATIENCE_MS = 1000; // until a report that Python has not confirmed is repeated; then twice as long
const COLORS = { connecting: "#b26a00", open: "#2e7d32", closed: "#616161" };

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
  let note = ""; // why the stream is not open yet
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

  function changed(values, event) {
    version++;
    Object.assign(seen, values);
    if (event) {
      shown = [event, ...shown].slice(0, model.get("show"));
      waiting.push([version, ...event]);
      if (waiting.length > model.get("keep")) waiting.shift();
    }
    for (const draw of views) draw(seen, shown, note);
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

  function close() {
    if (!stream) return;
    stream.abort();
    stream = null;
    note = "";
    changed({ state: "closed" });
  }

  function end() {
    close();
    over = true;
  }

  // The views come and go. The stream is open as long as there is a view.
  streams.set(model.get("key"), {
    enter(draw) {
      views.add(draw);
      draw(seen, shown, note);
      open();
    },
    leave(draw) {
      views.delete(draw);
      if (!views.size) close();
    },
  });
  model.on("change:stopped", () => model.get("stopped") && close());
  model.on("msg:custom", confirmed);
  // JupyterLab does not tell a widget that its kernel has gone. The kernel's connection tells it.
  const kernel = model.widget_manager?.kernel;
  const gone = () => ["dead", "terminating", "restarting", "autorestarting"].includes(kernel.status) && end();
  kernel?.statusChanged?.connect(gone);
  kernel?.disposed?.connect(end);
  return () => {
    end();
    streams.delete(model.get("key"));
    kernel?.statusChanged?.disconnect(gone);
    kernel?.disposed?.disconnect(end);
  };
}

function render({ model, el }) {
  const head = document.createElement("div");
  const list = document.createElement("div");
  head.style.margin = "2px 0";
  list.style.cssText = "font-family:var(--jp-code-font-family,monospace);font-size:12px;line-height:1.5;overflow-wrap:anywhere";
  el.append(head, list);

  function part(tag, text, style = "") {
    const node = document.createElement(tag);
    node.textContent = text; // never markup: data comes from anywhere
    node.style.cssText = style;
    return node;
  }

  function draw({ state, count, opened, errors, last_id }, shown, note) {
    const pill = `background:${COLORS[state] ?? "#546e7a"};color:white;border-radius:9px;padding:1px 9px`;
    head.replaceChildren(
      part("span", state, pill),
      part("span", " \u00a0 events "),
      part("b", count),
      part("span", ` \u00a0 opened ${opened} \u00a0 errors ${errors} \u00a0 last id `),
      part("code", last_id || "-"),
      part("span", note && ` \u00a0 ${note}`),
    );
    head.className = "browser-events";
    head.dataset.state = state;
    const lines = shown.map(([type, data, id]) => {
      const line = document.createElement("div");
      line.append(part("b", type), part("span", ` ${id} `, "opacity:.6"), part("span", data));
      return line;
    });
    list.replaceChildren(...lines);
  }

  const stream = streams.get(model.get("key"));
  stream.enter(draw);
  return () => stream.leave(draw);
}

export default { initialize, render };
