// How this page reaches a server. This file is the beginning of the scripts of BrowserEvents and BrowserPage.

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const PLACES = 4; // for streams and pages on JupyterLab's own origin; the other two connections are for JupyterLab
const WAITS = "waits: JupyterLab needs the other connections";

// Each widget has a copy of this script. All the copies of a page share these two.
const { probes, line } = (window.sseDemo ??= { probes: {}, line: new Set() });

// Whether a server answers the browser. There is no time limit: behind six open streams this request waits as long as
// one more stream would.
function answers(origin) {
  probes[origin] ??= fetch(origin, { method: "HEAD", mode: "no-cors", cache: "no-store" });
  const forget = () => delete probes[origin]; // the server may be there next time
  return probes[origin].then(() => true, () => !forget());
}

async function address(model) {
  const url = new URL(model.get("url"));
  const via = model.get("via");
  if (via === "direct" || !LOOPBACK.includes(url.hostname)) return url;
  // A local page may still come from a container, or through a tunnel, where no other port can be reached.
  if (via === "auto" && LOOPBACK.includes(location.hostname) && (await answers(url.origin))) return url;
  // Through jupyter-server-proxy, on the page's own origin, below the base URL that JupyterLab tells its pages.
  const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
  const port = url.port || (url.protocol === "https:" ? 443 : 80);
  return new URL(`${config.baseUrl ?? "/"}proxy/${port}${url.pathname}${url.search}`, location.origin);
}

// Calls `connect` with the address when its turn has come. Before that, it calls `wait` where all places are taken. The
// place is given back when `signal` is aborted.
async function reach(model, signal, connect, wait) {
  const url = await address(model);
  if (signal.aborted) return;
  // Over HTTP/1.1 a browser has six connections to an origin, and a stream keeps one of them.
  const { nextHopProtocol } = performance.getEntriesByType("navigation")[0];
  if (url.origin !== location.origin || /^h[23]/.test(nextHopProtocol)) return connect(url.href);
  const turn = { begin: () => connect(url.href) };
  line.add(turn);
  signal.addEventListener("abort", () => {
    line.delete(turn);
    advance();
  });
  advance();
  if (turn.begin) wait();
}

function advance() {
  for (const turn of [...line].slice(0, PLACES)) {
    turn.begin?.();
    turn.begin = null;
  }
}
