// The browser's half of Buttons: says which one was clicked, and shows what Python says of it.

function render({ model, el }) {
  const line = document.createElement("div");
  line.style.cssText = "display:flex;flex-wrap:wrap;align-items:center;gap:4px 8px;margin:4px 0";
  const pill = document.createElement("span");
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  let asked = null; // the button that was clicked, until Python answers
  let gone = false;

  const buttons = model.get("names").map((name) => {
    const button = document.createElement("button");
    button.className = "jupyter-widgets jupyter-button widget-button";
    button.style.width = "auto";
    button.textContent = name;
    button.addEventListener("click", () => {
      asked = name;
      model.send({ click: name });
      draw();
    });
    return button;
  });

  function draw() {
    const over = gone || model.get("stopped");
    pill.textContent = over ? "" : model.get("state");
    const color = over ? "transparent" : model.get("color");
    pill.style.cssText = `background:${color};color:white;border-radius:9px;padding:1px 9px`;
    said.textContent = gone ? OVER : asked ? `${asked}: waits for the kernel …` : model.get("said");
    const failed = !over && !asked && model.get("failed");
    said.style.cssText = failed ? `border-left:4px solid ${model.get("wrong")};padding-left:6px` : "";
    for (const button of buttons) button.disabled = over;
  }

  function answered() {
    asked = null;
    draw();
  }

  function end() {
    gone = true;
    draw();
  }

  line.append(...buttons, pill, said);
  el.append(line);
  el.classList.add("sse-buttons");
  draw();
  model.on("change:state change:stopped", draw);
  model.on("change:clicks", answered);
  const leave = watchKernel(model, end);
  return () => {
    model.off("change:state change:stopped", draw);
    model.off("change:clicks", answered);
    leave();
  };
}

export default { render };
