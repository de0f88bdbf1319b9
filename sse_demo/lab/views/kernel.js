// Whether a widget still has its kernel. The scripts of all views begin with this file.

const OVER = "Its kernel has gone. Run the cell again.";
const GONE = ["dead", "terminating", "restarting", "autorestarting"];

// Calls `end` when the kernel has gone. Returns a function that watches no more.
function watchKernel(model, end) {
  // JupyterLab does not tell a widget that its kernel has gone. The kernel's connection tells it.
  const kernel = model.widget_manager?.kernel;
  const look = () => GONE.includes(kernel.status) && end();
  kernel?.statusChanged?.connect(look);
  kernel?.disposed?.connect(end);
  return () => {
    kernel?.statusChanged?.disconnect(look);
    kernel?.disposed?.disconnect(end);
  };
}
