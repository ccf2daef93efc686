// Tabs, search, legend, theme and keys: what ties the parts together.
const views = { map: null, matrix: matrixView, transactions: transactionsView, evidence: evidenceView, unresolved: unresolvedView };
const wideTransactions = graph.transactions.filter(u => u.groups.length > 1).length;
const counts = { map: null, matrix: null, transactions: wideTransactions, evidence: raw.discrepancies.length + raw.observations.length, unresolved: raw.unresolved.length };

const open = view => {
  state.view = view;
  for (const name of Object.keys(views)) {
    const section = byId("view-" + name), tab = byId("tab-" + name);
    section.hidden = name !== view;
    tab.setAttribute("aria-selected", String(name === view));
    tab.tabIndex = name === view ? 0 : -1;
    if (name === view && views[name] && !section.firstChild) section.append(views[name]());
  }
  if (!state.selected) location.replace("#view=" + view);
  draw();
};

const tabs = () => Object.keys(views).forEach(name => {
  if (name === "evidence" && !counts.evidence) { byId("view-evidence").remove(); delete views.evidence; return; }
  byId("tabs").append(make("button", { role: "tab", id: "tab-" + name, "aria-controls": "view-" + name, "aria-selected": "false", onclick: () => open(name),
    onkeydown: e => {
      const names = Object.keys(views), step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
      if (!step) return;
      const next = names[(names.indexOf(name) + step + names.length) % names.length];
      open(next);
      byId("tab-" + next).focus();
    } }, name[0].toUpperCase() + name.slice(1), counts[name] === null ? null : make("span", { class: "count" }, counts[name].toLocaleString("en"))));
});

const legend = () => {
  const box = byId("legend"), top = box.scrollTop, focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.key : null;
  const check = (key, text, sample) => make("label", {}, make("input", { type: "checkbox", "data-key": key, checked: key === "crossing" ? state.crossing : state.show[key],
    onchange: e => { if (key === "crossing") state.crossing = e.target.checked; else state.show[key] = e.target.checked; draw(); } }), sample, text);
  const stroke = (ink, dashed) => make("span", { class: "stroke" + (dashed ? " dashed" : ""), colour: `var(--${ink})`, "aria-hidden": "true" });
  box.replaceChildren(
    make("h2", {}, raw.kind === "service" ? "Services" : "Packages", make("small", {}, "modules · tables")),
    ...graph.groups.map(g => make("button", { class: "group", "data-key": "g" + g.index, "aria-pressed": String(state.selected === g), onclick: () => select(state.selected === g ? null : g), title: g.purpose || g.name,
      onmouseenter: () => { state.focus = g; draw(); }, onmouseleave: () => { state.focus = null; draw(); } },
      dot(g), make("span", { class: "name" }, g.shown), make("small", {}, `${g.modules.length} · ${g.tables.length}`))),
    make("h2", {}, "Shown"),
    check("table", "tables", make("span", { class: "dot table", colour: "var(--soft)", "aria-hidden": "true" })),
    check("module", "modules, larger with more lines", make("span", { class: "dot", style: "background:none;border:2px solid var(--soft)", "aria-hidden": "true" })),
    check("write", "writes", stroke("write")), check("read", "reads", stroke("read")), check("call", "calls and imports", stroke("soft")), check("key", "foreign keys", stroke("soft", true)),
    check("crossing", `only what crosses ${serviceWord}s`, null),
    make("h2", {}, "Hands"),
    make("p", { class: "kind", style: "margin:.2rem 0" }, "Drag to move, wheel or + − to zoom, click for details, / to search, Esc to let go."));
  box.scrollTop = top;
  if (focused) { const again = box.querySelector(`[data-key="${focused}"]`); if (again) again.focus(); }
};

const search = () => {
  const input = byId("search"), results = byId("results");
  const all = [
    ...graph.groups.map(g => ({ node: g, name: g.name, kind: serviceWord, rank: 0 })),
    ...graph.tables.map(t => ({ node: t, name: t.name, kind: "table", rank: 1 })),
    ...graph.modules.map(m => ({ node: m, name: m.name, kind: "module", rank: 2 })),
    ...graph.definitions.filter(d => d.module).map(d => ({ node: d, name: d.name, kind: d.module.name, rank: 3 })),
  ].map(item => ({ ...item, low: item.name.toLowerCase() }));
  let found = [], at = -1;
  const close = () => { results.hidden = true; at = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
  const choose = index => { if (!found[index]) return; const { node } = found[index]; close(); if (state.view !== "map" && state.view !== "matrix") open("map"); select(node); details.focus(); };
  const mark = index => {
    at = index;
    [...results.children].forEach((li, i) => li.setAttribute("aria-selected", String(i === at)));
    if (results.children[at]) { results.children[at].scrollIntoView({ block: "nearest" }); input.setAttribute("aria-activedescendant", "found-" + at); }
  };
  const show = () => {
    const text = input.value.trim().toLowerCase();
    if (!text) return close();
    const score = item => item.low === text ? 0 : item.low.startsWith(text) ? 1 : item.low.split(/[._]/).some(part => part.startsWith(text)) ? 2 : 3;
    found = all.filter(item => item.low.includes(text)).sort((a, b) => score(a) - score(b) || a.rank - b.rank || a.low.length - b.low.length).slice(0, 40);
    results.replaceChildren(...(found.length ? found.map((item, i) => make("li", { id: "found-" + i, role: "option", "aria-selected": "false", onmousedown: e => { e.preventDefault(); choose(i); } }, dot(item.node), make("span", {}, item.name), make("small", {}, item.kind))) : [make("li", { role: "option", "aria-disabled": "true" }, "Nothing of that name")]));
    results.hidden = false;
    input.setAttribute("aria-expanded", "true");
    if (found.length) mark(0);
    say(plural(found.length, "result"));
  };
  input.addEventListener("input", show);
  input.addEventListener("focus", () => input.value && show());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", e => {
    if (e.key === "ArrowDown") { e.preventDefault(); mark(Math.min(found.length - 1, at + 1)); }
    else if (e.key === "ArrowUp") { e.preventDefault(); mark(Math.max(0, at - 1)); }
    else if (e.key === "Enter") choose(at);
    else if (e.key === "Escape") { e.stopPropagation(); if (input.value) { input.value = ""; close(); } else canvas.focus(); }
  });
  document.addEventListener("keydown", e => {
    if (e.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) { e.preventDefault(); input.focus(); input.select(); }
    if (e.key === "Escape" && document.activeElement !== input && state.selected) { select(null); if (state.view === "map") canvas.focus(); }
  });
};

const theme = () => {
  const system = matchMedia("(prefers-color-scheme: dark)"), button = byId("theme");
  const apply = dark => {
    state.dark = dark;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    button.textContent = dark ? "☀" : "☾";
    button.setAttribute("aria-label", dark ? "Switch to light" : "Switch to dark");
    inks = null;
    for (const name of Object.keys(views)) if (views[name]) byId("view-" + name).replaceChildren();
    open(state.view);
    legend();
    if (state.selected) select(state.selected, true);
  };
  button.addEventListener("click", () => apply(!state.dark));
  system.addEventListener("change", e => apply(e.matches));
  apply(system.matches);
};

const start = () => {
  const s = raw.stats;
  byId("title").append(raw.title, make("small", {}, `${plural(graph.modules.length, "module")}, ${plural(graph.tables.length, "table")}`));
  byId("hint").textContent = raw.kind === "service" ? "Ribbons join services: orange where one writes what the other owns." : "Grouped by package: run migrator plan to see services.";
  const asked = decodeURIComponent(location.hash.slice(1));
  tabs();
  listen();
  search();
  theme();
  const [type, name] = [asked.slice(0, asked.indexOf("=")), asked.slice(asked.indexOf("=") + 1)];
  const list = { table: graph.tables, module: graph.modules, group: graph.groups }[type];
  if (list) select(list.find(n => n.name === name) || null, true);
  else if (type === "view" && Object.hasOwn(views, name)) open(name);
  document.documentElement.dataset.ready = "yes";
};
start();
