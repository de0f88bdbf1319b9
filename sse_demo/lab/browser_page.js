// A page of a server, in a frame.

function render({ model, el }) {
  const frame = document.createElement("iframe");
  frame.src = address(model);
  frame.style.cssText = `width:100%;height:${model.get("height")}px;border:0`;
  el.append(frame);
}

export default { render };
