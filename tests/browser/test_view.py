"""``View`` in a real JupyterLab: what a thread changes is seen, also in a second output, until the kernel has gone."""

from lab_page import LabPage, troubles
from playwright.sync_api import expect

GONE = "Its kernel has gone. Run the cell again."
CELLS = (
    "from sse_demo.lab.views.view import View\nview = View(html='<b>alive</b>')\nview",
    "view",
    "import threading\nthreading.Thread(target=lambda: setattr(view, 'html', '<b>changed</b>')).start()",
)


def test_what_a_thread_changes_is_seen_everywhere_until_the_kernel_has_gone(lab, browser):
    lab_page = LabPage(lab, browser.new_context(viewport={"width": 1000, "height": 900}))
    notebook = lab_page.open(lab.write("view.ipynb", *CELLS))
    notebook.start_all_cells()
    notebook.wait_for_all_cells()
    assert not troubles(notebook.cells())
    views = notebook.panel.locator(".sse-view")
    expect(views).to_have_count(2)
    for view in views.all():
        expect(view.locator("b")).to_have_text("changed")
        expect(view).not_to_contain_text(GONE)
    notebook.restart_kernel()
    for view in views.all():
        expect(view).to_contain_text(GONE)
        expect(view.locator("b")).to_have_text("changed")
    assert not lab_page.errors
