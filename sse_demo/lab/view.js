// The browser's half of View: shows the HTML that Python gives, and says when there is no Python any more.

const OVER = "Its kernel has gone. Run the cell again.";
const GONE = ["dead", "terminating", "restarting", "autorestarting"];

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
  // JupyterLab does not tell a widget that its kernel has gone. The kernel's connection tells it.
  const kernel = model.widget_manager?.kernel;
  const look = () => GONE.includes(kernel.status) && end();

  draw();
  model.on("change:html", draw);
  kernel?.statusChanged?.connect(look);
  kernel?.disposed?.connect(end);
  return () => {
    model.off("change:html", draw);
    kernel?.statusChanged?.disconnect(look);
    kernel?.disposed?.disconnect(end);
  };
}

export default { render };
