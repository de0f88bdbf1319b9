// A page of a server, in a frame. It is light or dark as JupyterLab is, whatever the system prefers: a page in a frame
// prefers the color-scheme of its frame.

function render({ model, el }) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:100%;height:${model.get("height")}px;border:0`;
  const gone = new AbortController();
  const go = (url) => (frame.src = url);
  const theme = new MutationObserver(wear);

  // Not every JupyterLab has the color-scheme, but each says on its body whether its theme is light.
  function wear() {
    const { jpThemeLight } = document.body.dataset;
    if (jpThemeLight) frame.style.colorScheme = jpThemeLight === "true" ? "light" : "dark";
  }

  wear();
  theme.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  reach(model, gone.signal, go, () => go(`data:text/plain,${WAITS}`));
  el.append(frame);
  return () => {
    gone.abort();
    theme.disconnect();
  };
}

export default { render };
