// A page of a server, in a frame. It is light or dark as JupyterLab is, by the color-scheme that frames inherit.

function render({ model, el }) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:100%;height:${model.get("height")}px;border:0`;
  const gone = new AbortController();
  const go = (url) => (frame.src = url);
  reach(model, gone.signal, go, () => go(`data:text/plain,${WAITS}`));
  el.append(frame);
  return () => gone.abort();
}

export default { render };
