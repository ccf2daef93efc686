"""The page in headless Chromium: search, filter, zoom, pan, click, keys, matrix, both themes.

With PAGE_SCREENSHOTS=FOLDER each test leaves its last picture there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.graphs import big, sample, sample_plan

from migrator.report.html.page import page


@pytest.fixture
def shown(
    browser: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Any]]:
    """Opens a page; at the end nothing may stand in the browser's console."""
    from selenium.webdriver.support.wait import WebDriverWait

    def open_page(text: str) -> Any:
        path = tmp_path / "page.html"
        path.write_text(text, "utf-8")
        browser.get(path.as_uri())
        ready = "return document.documentElement.dataset.ready === 'yes'"
        WebDriverWait(browser, 30).until(lambda d: d.execute_script(ready))
        return browser

    yield open_page
    folder = os.environ.get("PAGE_SCREENSHOTS")
    if folder:
        browser.save_screenshot(f"{folder}/{request.node.name}.png")
    assert [e["message"] for e in browser.get_log("browser")] == []
    browser.get("about:blank")


def by_id(browser: Any, name: str) -> Any:
    return browser.find_element("id", name)


def details(browser: Any) -> str:
    return str(by_id(browser, "details").text)


def press(browser: Any, *keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def test_search_finds_a_table_and_its_panel_tells_who_uses_it(shown: Callable[[str], Any]) -> None:
    browser = shown(page(sample(), *sample_plan()))
    press(browser, "/")
    press(browser, "interv")
    found = [li.text for li in browser.find_elements("css selector", "#results li")]
    assert found[0].startswith("interviews")
    press(browser, "\ue007")
    text = details(browser)
    writers = {a for a in sample().accesses if a.table == "interviews" and a.writes}
    assert writers
    for access in writers:
        assert access.definition.partition(":")[2] in text
        assert f"{access.path}:{access.line}" in text
    assert "application_id" in text
    assert "Also written by accounts" in text


def test_a_click_on_the_map_selects_what_lies_there(shown: Callable[[str], Any]) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    browser = shown(page(sample(), *sample_plan()))
    where = browser.execute_script(
        "const n = graph.tables.find(t => t.name === 'users'), p = toScreen(n.x, n.y);"
        "return [p.x - canvas.clientWidth / 2, p.y - canvas.clientHeight / 2]"
    )
    canvas = by_id(browser, "map")
    ActionChains(browser).move_to_element_with_offset(canvas, *map(int, where)).click().perform()
    assert details(browser).splitlines()[1].startswith("users")
    assert "selected" in by_id(browser, "said").get_attribute("textContent")


def test_a_module_says_why_it_is_where_it_is(shown: Callable[[str], Any]) -> None:
    browser = shown(page(sample(), *sample_plan()))
    browser.execute_script("select(graph.modules.find(m => m.name === 'jobmarket.models'))")
    text = details(browser)
    assert "of its 18 definitions" in text
    assert "Its definitions are split" in text
    assert "Where its ties lead" in text


def test_keys_and_wheel_move_and_zoom(shown: Callable[[str], Any]) -> None:
    browser = shown(page(sample()))
    camera = "return [state.camera.x, state.camera.scale]"
    x, scale = browser.execute_script(camera)
    browser.execute_script("canvas.focus()")
    press(browser, "+", "\ue014")
    moved_x, bigger = browser.execute_script(camera)
    assert bigger > scale * 1.2
    assert moved_x > x
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    origin = ScrollOrigin.from_element(by_id(browser, "map"))
    ActionChains(browser).scroll_from_origin(origin, 0, 400).perform()
    assert browser.execute_script(camera)[1] < bigger
    ActionChains(browser).drag_and_drop_by_offset(by_id(browser, "map"), 150, 0).perform()
    assert browser.execute_script(camera)[0] != moved_x


def test_filters_take_edges_away(shown: Callable[[str], Any]) -> None:
    browser = shown(page(sample(), *sample_plan()))
    count = "return graph.edges.filter(edgeVisible).length"
    before = browser.execute_script(count)
    browser.find_element("css selector", "[data-key=call]").click()
    fewer = browser.execute_script(count)
    browser.find_element("css selector", "[data-key=crossing]").click()
    assert 0 < browser.execute_script(count) < fewer < before


def test_the_matrix_shows_every_use(shown: Callable[[str], Any]) -> None:
    browser = shown(page(sample(), *sample_plan()))
    by_id(browser, "tab-matrix").click()
    rows = browser.find_elements("css selector", "table.matrix tbody tr:not(.owner)")
    assert len(rows) == len(sample().tables)
    owner_of, table_owner = sample_plan()[1].owner_of, sample_plan()[1].table_owner
    foreign = {
        (owner_of[a.definition], a.table)
        for a in sample().accesses
        if a.writes and owner_of[a.definition] != table_owner[a.table]
    }
    assert len(browser.find_elements("css selector", "td.foreign")) == len(foreign)


def test_transactions_and_unresolved_are_listed_and_filtered(shown: Callable[[str], Any]) -> None:
    browser = shown(page(sample(), *sample_plan()))
    by_id(browser, "tab-transactions").click()
    assert "erase_user" in by_id(browser, "view-transactions").text
    box = browser.find_element("css selector", "#view-transactions input[type=search]")
    box.send_keys("publish_job")
    assert "erase_user" not in by_id(browser, "view-transactions").text
    by_id(browser, "tab-unresolved").click()
    text = by_id(browser, "view-unresolved").text
    assert all(f"{u.path}:{u.line}" in text for u in sample().unresolved)


def test_the_whole_page_is_used_without_a_mouse(shown: Callable[[str], Any]) -> None:
    browser = shown(page(sample(), *sample_plan()))
    by_id(browser, "tab-map").send_keys("\ue014")
    assert by_id(browser, "tab-matrix").get_attribute("aria-selected") == "true"
    by_id(browser, "tab-matrix").send_keys("\ue012")
    press(browser, "/")
    press(browser, "quotas", "\ue007")
    assert not by_id(browser, "details").get_attribute("hidden")
    press(browser, "\ue00c")
    assert by_id(browser, "details").get_attribute("hidden")
    unnamed = browser.execute_script(
        "return [...document.querySelectorAll('button, input')].filter(e => "
        "!(e.textContent.trim() || e.getAttribute('aria-label') || (e.labels && e.labels.length)))"
        ".map(e => e.outerHTML)"
    )
    assert unnamed == []


CONTRAST = """
const lum = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map(v => { v /= 255;
  return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = e => { for (; e; e = e.parentElement) { 
  const c = getComputedStyle(e).backgroundColor;
  if (/^rgb\\(/.test(c)) return c; } return 'rgb(255, 255, 255)'; };
const poor = [];
for (const e of document.querySelectorAll('header *, aside *, section *')) {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || !e.offsetParent || e.closest('.hidden')) continue;
  const a = lum(getComputedStyle(e).color), b = lum(behind(e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) poor.push([e.tagName, e.className, e.textContent.slice(0, 30), ratio]);
}
return poor;
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", ["map", "matrix", "transactions"])
def test_text_has_the_contrast_of_wcag_aa(
    shown: Callable[[str], Any], theme: str, view: str
) -> None:
    browser = shown(page(sample(), *sample_plan()))
    if browser.execute_script("return document.documentElement.dataset.theme") != theme:
        by_id(browser, "theme").click()
    by_id(browser, f"tab-{view}").click()
    browser.execute_script("select(graph.tables.find(t => t.name === 'users'), true)")
    assert browser.execute_script(CONTRAST) == []


def test_five_thousand_nodes_are_drawn_and_found(shown: Callable[[str], Any]) -> None:
    browser = shown(page(big()))
    assert browser.execute_script("return graph.nodes.length") == 5000
    press(browser, "/")
    press(browser, "module3777", "\ue007")
    assert "module3777" in details(browser)
    by_id(browser, "tab-matrix").click()
    assert browser.find_elements("css selector", "table.matrix td.own")
