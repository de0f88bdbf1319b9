// The browser's half of View: shows the HTML that Python gives, and says when there is no Python any more.

function render({ model, el }) {
  const note = document.createElement("div");
  const body = document.createElement("div");
  note.style.fontStyle = "italic";
  el.append(note, body);
  el.classList.add("sse-view");

  const draw = () => {
    body.innerHTML = model.get("html"); // Python has escaped what comes from outside
  };
  const end = () => {
    note.textContent = OVER;
    body.style.opacity = 0.5;
  };
  draw();
  model.on("change:html", draw);
  const ignore = watchKernel(model, end);
  return () => {
    model.off("change:html", draw);
    ignore();
  };
}

export default { render };
