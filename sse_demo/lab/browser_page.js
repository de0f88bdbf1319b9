// A page of a server, in a frame.

function render({ model, el }) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:100%;height:${model.get("height")}px;border:0`;
  const gone = new AbortController();
  const go = (url) => (frame.src = url);
  reach(model, gone.signal, go, () => go(`data:text/plain,${WAITS}`));
  // Light or dark as JupyterLab is, which need not be as the system is. Pages in a frame go by it.
  const follow = () => (frame.style.colorScheme = document.body.dataset.jpThemeLight === "false" ? "dark" : "light");
  const theme = new MutationObserver(follow);
  theme.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  follow();
  el.append(frame);
  return () => {
    theme.disconnect();
    gone.abort();
  };
}

export default { render };
