// The browser's half of BrowserEvents: one EventSource for each widget, however often it is shown.

const FLUSH = 100; // milliseconds between two messages to Python
const COLORS = { connecting: "#b26a00", open: "#2e7d32", closed: "#616161" };

const streams = new Map(); // by the key of a widget: what its views need

// Where the stream is, as this page reaches it.
function address(model) {
  const url = new URL(model.get("url"));
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  const direct = model.get("via") === "direct" || (model.get("via") === "auto" && here);
  if (direct) return url.href;
  // Through jupyter-server-proxy, on the page's own origin, below the base URL that JupyterLab tells its pages.
  const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
  return `${location.origin}${config.baseUrl ?? "/"}proxy/${url.port}${url.pathname}${url.search}`;
}

function initialize({ model }) {
  let source = null;
  let waiting = []; // events that Python has not been told
  let timer = null;

  function tell() {
    timer = null;
    if (waiting.length) model.send({ events: waiting });
    waiting = [];
    model.save_changes();
  }

  function changed(values) {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    timer ??= setTimeout(tell, FLUSH);
  }

  function open() {
    if (source || model.get("stopped")) return;
    changed({ state: "connecting" });
    source = new EventSource(address(model), { withCredentials: model.get("credentials") });
    source.addEventListener("open", () => changed({ state: "open", opened: model.get("opened") + 1 }));
    source.addEventListener("error", () =>
      changed({
        state: source.readyState === EventSource.CLOSED ? "closed" : "connecting",
        errors: model.get("errors") + 1,
      }),
    );
    for (const type of model.get("types")) {
      source.addEventListener(type, (event) => {
        const one = [event.type, event.data, event.lastEventId];
        waiting.push(one);
        const shown = [...model.get("shown"), one].slice(-model.get("show"));
        changed({ shown, count: model.get("count") + 1, last_id: event.lastEventId });
      });
    }
  }

  function close() {
    if (!source) return;
    source.close();
    source = null;
    changed({ state: "closed" });
  }

  // The views come and go; the stream is there as long as one of them is.
  let views = 0;
  streams.set(model.get("key"), {
    enter() {
      views += 1;
      open();
    },
    leave() {
      views -= 1;
      if (!views) close();
    },
  });
  model.on("change:stopped", () => model.get("stopped") && close());
  model.on("comm_live_update", close);
  // JupyterLab does not tell a widget that its kernel has gone; the kernel's connection does.
  const kernel = model.widget_manager?.kernel;
  const gone = () => ["dead", "terminating", "restarting", "autorestarting"].includes(kernel.status) && close();
  kernel?.statusChanged?.connect(gone);
  kernel?.disposed?.connect(close);
  return () => {
    close();
    streams.delete(model.get("key"));
    kernel?.statusChanged?.disconnect(gone);
    kernel?.disposed?.disconnect(close);
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

  function draw() {
    const state = model.get("state");
    const pill = `background:${COLORS[state] ?? "#546e7a"};color:white;border-radius:9px;padding:1px 9px`;
    head.replaceChildren(
      part("span", state, pill),
      part("b", ` \u00a0 ${model.get("count")}`),
      part("span", ` events \u00a0 opened ${model.get("opened")} times \u00a0 ${model.get("errors")} errors \u00a0 last id `),
      part("code", model.get("last_id") || "-"),
    );
    head.className = "browser-events";
    head.dataset.state = state;
    const lines = [...model.get("shown")].reverse().map(([type, data, id]) => {
      const line = document.createElement("div");
      line.append(part("b", type), part("span", ` ${id} `, "opacity:.6"), part("span", data));
      return line;
    });
    list.replaceChildren(...lines);
  }

  const names = ["state", "count", "opened", "errors", "last_id", "shown"];
  for (const name of names) model.on(`change:${name}`, draw);
  draw();
  const stream = streams.get(model.get("key"));
  stream.enter();
  return () => {
    for (const name of names) model.off(`change:${name}`, draw);
    stream.leave();
  };
}

export default { initialize, render };
