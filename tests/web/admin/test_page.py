"""The page and its policy agree: what is not in the page does not run."""

import re
from base64 import b64encode
from hashlib import sha256

from sse_demo.web.admin.page import PAGE, content_security_policy, page


def test_the_policy_names_the_one_script_and_the_one_style_of_the_page():
    for element in ("script", "style"):
        (content,) = re.findall(rf"<{element}[^>]*>(.*?)</{element}>", page(), re.DOTALL)
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in content_security_policy()


def test_the_page_needs_nothing_that_the_policy_forbids():
    markup = re.sub(r"<(script|style)>.*?</\1>", "", page(), flags=re.DOTALL)
    assert not re.search(r"\s(style|on\w+)=", markup)
    assert re.findall(r'(?:src|href|action)="([^"]*)"', markup) == ["data:,"]
    script = re.search(r"<script>(.*?)</script>", page(), re.DOTALL)[1]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function\(|cssText", script)


def test_a_checkout_with_other_line_ends_has_the_same_page(tmp_path, monkeypatch):
    other = tmp_path / "page.html"
    other.write_bytes(PAGE.read_bytes().replace(b"\n", b"\r\n"))
    assert other.read_text("utf-8") == page()
