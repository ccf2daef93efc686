// The other pages: matrix, transactions, evidence, unresolved. Each is made when it is first opened.
const MATRIX = "Who uses which table";
const page = (title, text, ...children) => make("div", { class: title === MATRIX ? "page whole" : "page" }, make("h2", {}, title), make("p", {}, text), ...children);
const filtered = (placeholder, items, matches, row, ...more) => {
  const box = make("div", {}), count = make("span", { class: "count", role: "status" }), input = make("input", { type: "search", placeholder, "aria-label": placeholder });
  const refresh = () => {
    const text = input.value.trim().toLowerCase(), found = items().filter(i => matches(i, text));
    count.textContent = `${found.length.toLocaleString("en")} of ${items().length.toLocaleString("en")}`;
    box.replaceChildren(found.length ? some(found, row, 100, "plain") : make("p", {}, "Nothing matches."));
  };
  input.addEventListener("input", refresh);
  refresh();
  return { refresh, element: make("div", {}, make("div", { class: "filter" }, input, ...more, count), box) };
};

const cellOfMatrix = (table, group, used) => {
  if (!used) return make("td", table.group === group ? { class: "own", colour: colour(group) } : {});
  const writes = [...used].some(m => WRITES[m]), own = table.group === group;
  const letters = [1, 0, 2, 3].filter(m => used.has(m)).map(m => MODES[m]).join("");
  return make("td", { class: own ? "own" : writes ? "foreign" : "", colour: own ? colour(group) : null },
    make("button", { onclick: () => select(table), "aria-label": `${group.name} ${[...letters].map(l => ({ C: "creates", R: "reads", U: "updates", D: "deletes" })[l]).join(", ")} ${table.name}` }, letters));
};

const matrixView = () => {
  const used = new Map(graph.tables.map(t => [t, new Map()]));
  graph.accesses.forEach(a => {
    const row = used.get(a.table), group = a.definition.group;
    if (!row.has(group)) row.set(group, new Set());
    row.get(group).add(a.mode);
  });
  const columns = graph.groups.filter(g => g.tables.length || graph.tables.some(t => used.get(t).has(g)));
  const head = make("tr", {}, make("th", { scope: "col" }, "Table"), columns.map(g => make("th", { scope: "col" }, make("div", {}, dot(g), link(g, g.shown)))));
  const body = make("tbody", {}), only = make("input", { type: "checkbox" }), input = make("input", { type: "search", placeholder: "Filter tables", "aria-label": "Filter tables" });
  const count = make("span", { class: "count", role: "status" });
  let limit = 250;
  const fill = () => {
    const text = input.value.trim().toLowerCase();
    const found = graph.tables.filter(t => t.name.toLowerCase().includes(text) && (!only.checked || [...used.get(t)].some(([g, m]) => g !== t.group && [...m].some(x => WRITES[x]))));
    count.textContent = `${found.length.toLocaleString("en")} of ${plural(graph.tables.length, "table")}`;
    const rows = [];
    let shown = 0;
    for (const [group, tables] of [...groupBy(found, t => t.group)].sort(([a], [b]) => a.index - b.index)) {
      if (shown >= limit) break;
      rows.push(make("tr", { class: "owner" }, make("th", { scope: "rowgroup" }, dot(group), " ", group.name), make("td", { colspan: columns.length })));
      tables.slice(0, limit - shown).forEach(t => rows.push(make("tr", {}, make("th", { scope: "row" }, link(t)), columns.map(g => cellOfMatrix(t, g, used.get(t).get(g))))));
      shown += tables.length;
    }
    if (found.length > limit) rows.push(make("tr", {}, make("th", {}, make("button", { class: "link", onclick: () => { limit += 500; fill(); } }, `${found.length - limit} more`))));
    body.replaceChildren(...rows);
  };
  input.addEventListener("input", fill);
  only.addEventListener("change", fill);
  fill();
  return page(MATRIX, raw.kind === "service" ? "Rows are tables under the service that owns them; columns are services." : "Rows are tables under the package that uses them most; columns are packages. With a migration.yaml they are services.",
    make("div", { class: "keys" }, [["C", "creates"], ["R", "reads"], ["U", "updates"], ["D", "deletes"]].map(([l, t]) => make("span", {}, make("b", {}, l), " " + t)),
      make("span", {}, make("span", { class: "swatch", style: "background:var(--accent-soft);box-shadow:inset 0 0 0 2px var(--accent)" }), raw.kind === "service" ? "the owner" : "uses it most"),
      make("span", {}, make("span", { class: "swatch", style: "background:var(--warn-soft);box-shadow:inset 0 0 0 1px var(--warn)" }), raw.kind === "service" ? "writes what another owns" : "writes it too")),
    make("div", { class: "filter" }, input, make("label", {}, only, "only tables with such a write"), count),
    make("div", { class: "matrix-box", tabindex: "0", role: "region", "aria-label": "Matrix of tables" }, make("table", { class: "matrix" }, make("thead", {}, head), body)));
};

const transactionsView = () => {
  const only = make("input", { type: "checkbox", checked: true });
  const wide = [...graph.transactions].sort((a, b) => b.groups.length - a.groups.length || b.tables.length - a.tables.length);
  const list = filtered("Filter by table, function or route", () => wide.filter(u => !only.checked || u.groups.length > 1),
    (u, text) => !text || [u.definition.name, u.definition.module ? u.definition.module.name : "", ...u.entries, ...u.tables.map(t => t.name)].some(s => s.toLowerCase().includes(text)),
    u => make("li", { class: "item" },
      make("div", { class: "head" }, make("b", {}, link(u.definition)), place(u.definition.module && u.definition.module.path, u.definition.line), make("span", { class: "right" }, `${plural(u.tables.length, "table")} of ${plural(u.groups.length, serviceWord)}`)),
      make("dl", { class: "flow" }, [...groupBy(u.tables, t => t.group)].map(([g, tables]) => [make("dt", {}, dot(g), g.name), make("dd", {}, tables.map(t => make("span", { class: "chip" }, link(t))))])),
      u.entries.length ? make("p", {}, "from ", u.entries.slice(0, 6).map((e, i) => [i ? ", " : "", make("code", {}, e)]), u.entries.length > 6 ? ` and ${u.entries.length - 6} more` : "") : null),
    make("label", {}, only, `only those over several ${serviceWord}s`));
  only.addEventListener("change", list.refresh);
  return page("Transactions", `What is written together in one unit of work. Those over several ${serviceWord}s are where consistency must be thought about first.`, list.element);
};

const unresolvedView = () => page("Unresolved", "What was seen in the code and could not be resolved. Nothing here is guessed; look at these before trusting that a table has no other user.",
  raw.unresolved.length ? filtered("Filter by file, text or reason", () => raw.unresolved, (u, text) => u.some(v => String(v).toLowerCase().includes(text)),
    ([path, line, what, why]) => make("li", { class: "item" }, make("div", { class: "head" }, make("code", {}, what), make("span", { class: "right" }, place(path, line))), make("p", {}, why))).element
    : make("p", {}, "Nothing: all that was seen was resolved."));

const evidenceView = () => {
  const titles = {
    table_without_code: "In the database, not in the code", table_not_in_database: "In the code, not in the database", table_not_touched: "Declared, and no code reads or writes it",
    column_without_code: "Columns only in the database", column_not_in_database: "Columns only in the code", foreign_key_without_code: "Foreign keys only in the database",
    foreign_key_not_in_database: "Foreign keys only in the code", entry_point_never_seen: "Entry points never seen in traces", call_never_seen: "Calls never seen, though the caller ran",
    call_without_code: "Calls seen that the analysis does not have", access_never_seen: "Accesses never seen in traces", access_without_code: "Accesses seen that the analysis does not have" };
  const parts = [...groupBy(raw.discrepancies, d => d[0])].map(([kind, all]) => [counted("h3", titles[kind] || kind, all.length),
    some(all, ([, subject, detail, path, line]) => make("li", {}, make("code", {}, subject), make("span", { class: "kind" }, " " + detail), make("div", {}, place(path, line))), 10)]);
  const hot = [...graph.observations].sort((a, b) => b.count - a.count);
  return page("Evidence", "Where a live database or traces say something else than the code, and what was seen most.",
    parts,
    hot.length ? [counted("h3", "Seen most", hot.length), some(hot, o => make("li", {}, make("b", {}, o.count.toLocaleString("en")), ` × ${o.kind} `, o.definition ? link(o.definition) : "", " → ", make("code", {}, o.target), o.mode ? ` ${o.mode}` : "", o.inCode ? "" : make("span", { class: "mode" }, "not in code"), make("div", { class: "kind" }, `${o.milliseconds.toLocaleString("en")} ms in total`)), 12)] : null,
    parts.length || hot.length ? null : make("p", {}, "None was given. ", make("code", {}, "migrator analyze --database URL --traces FILE --history"), " adds it."));
};
