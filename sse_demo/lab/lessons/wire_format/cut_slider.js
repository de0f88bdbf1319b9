// The browser's half of CutSlider: draws the strip and moves the cut. Python says what comes of it.

const THUMB = 16; // pixels, about as wide as browsers draw it

function render({ model, el }) {
  const colors = model.get("colors");
  const labels = model.get("labels");
  const count = labels.length;
  let gone = false;

  const make = (style, parent, tag = "div") => {
    const made = document.createElement(tag);
    made.style.cssText = style;
    parent.append(made);
    return made;
  };
  const place = (number) => `${(100 * number) / count}%`;

  const note = make("font-style:italic", el);
  const root = make("max-width:760px;margin:4px 0", el);
  const strip = make(`position:relative;margin:0 ${THUMB / 2}px;cursor:ew-resize;touch-action:none`, root);
  const row = make("display:flex;font:600 14px var(--jp-code-font-family,monospace)", strip);
  const boxes = labels.map((label) => {
    const box = make("flex:1 1 0;min-width:0;text-align:center;line-height:30px;user-select:none", row);
    box.style.borderBottom = "3px solid";
    box.textContent = label;
    return box;
  });
  const cut = make("position:absolute;top:-5px;height:43px;width:4px;margin-left:-2px;border-radius:2px", strip);
  cut.style.background = "currentColor";
  const marks = make("position:relative;height:12px;margin-top:3px", strip);
  const slider = make("width:100%;margin:0;display:block", root, "input");
  Object.assign(slider, { type: "range", min: 0, max: count });
  slider.setAttribute("aria-label", "where the stream is cut");
  const chunks = make("display:flex;justify-content:space-between;gap:12px;margin:2px 8px 6px", root);
  const first = make(`color:${colors.first};font-weight:600`, chunks);
  const tried = make("", chunks);
  const second = make(`color:${colors.second};font-weight:600`, chunks);
  const result = make("margin:0 8px;line-height:26px", root);
  result.setAttribute("role", "status");
  el.classList.add("sse-cut");
  root.setAttribute("data-lm-suppress-shortcuts", "true"); // the arrow keys fold no heading here

  const size = (number) => `${number} ${number === 1 ? "byte" : "bytes"}`;

  function draw() {
    const at = model.get("at");
    slider.value = at;
    cut.style.left = place(at);
    boxes.forEach((box, number) => {
      const color = number < at ? colors.first : colors.second;
      box.style.background = `${color}33`;
      box.style.borderColor = color;
      box.style.opacity = "↵␍␣".includes(box.textContent) ? 0.75 : 1;
    });
    first.textContent = `first chunk: ${size(at)}`;
    second.textContent = `second chunk: ${size(count - at)}`;
    show();
  }

  function show() {
    const known = model.get("tried");
    marks.replaceChildren();
    known.forEach((outcome, number) => {
      if (!outcome) return;
      const good = outcome > 0;
      const color = good ? colors.good : colors.wrong;
      const shape = good ? "width:8px;height:8px;border-radius:4px;margin-left:-4px" : "width:3px;height:10px;margin-left:-1px";
      make(`position:absolute;top:1px;left:${place(number)};background:${color};${shape}`, marks);
    });
    const harmless = known.filter((outcome) => outcome > 0).length;
    tried.textContent = `tried ${known.filter(Boolean).length} of ${count + 1} places, ${harmless} harmless`;
    result.innerHTML = model.get("result"); // Python has escaped what comes from outside
    result.style.opacity = gone || model.get("shown") !== model.get("at") ? 0.5 : 1;
  }

  function move(number) {
    if (gone) return draw();
    model.set("at", Math.max(0, Math.min(count, number)));
    model.save_changes();
    draw();
  }

  function drag(event) {
    if (event.buttons !== 1) return;
    const frame = strip.getBoundingClientRect();
    move(Math.round((count * (event.clientX - frame.left)) / frame.width));
  }

  strip.addEventListener("pointerdown", (event) => {
    strip.setPointerCapture(event.pointerId);
    event.preventDefault();
    drag(event);
  });
  strip.addEventListener("click", () => setTimeout(() => slider.focus())); // after JupyterLab, which has its own wish
  strip.addEventListener("pointermove", drag);
  slider.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab would take it from the slider
    move(model.get("at") + step);
  });
  slider.addEventListener("input", () => move(Number(slider.value)));

  function end() {
    gone = true;
    note.textContent = OVER;
    slider.disabled = true;
    show();
  }

  draw();
  model.on("change:at", draw);
  model.on("change:tried change:result change:shown", show);
  const leave = watchKernel(model, end);
  return () => {
    model.off("change:at", draw);
    model.off("change:tried change:result change:shown", show);
    leave();
  };
}

export default { render };
