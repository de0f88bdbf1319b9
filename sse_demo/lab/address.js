// Where something on a server is, as this page reaches it. The beginning of the scripts of BrowserEvents and BrowserPage.

function address(model) {
  const url = new URL(model.get("url"));
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  const direct = model.get("via") === "direct" || (model.get("via") === "auto" && here);
  if (direct) return url.href;
  // Through jupyter-server-proxy, on the page's own origin, below the base URL that JupyterLab tells its pages.
  const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
  return `${location.origin}${config.baseUrl ?? "/"}proxy/${url.port}${url.pathname}${url.search}`;
}
