// The panel beside the map: why a module, table or service is where it is, with file and line.
const details = byId("details");
const say = text => { byId("said").textContent = text; };

const select = (node, fromMap) => {
  if (node && node.type === "definition") node = node.module || null;
  state.selected = node;
  details.hidden = !node;
  if (node) {
    const body = { table: tableDetails, module: moduleDetails, group: groupDetails }[node.type](node);
    details.replaceChildren(make("button", { class: "close", "aria-label": "Close", onclick: () => select(null) }, "✕"), ...body.flat(Infinity).filter(Boolean));
    details.scrollTop = 0;
    say(`${node.type === "group" ? serviceWord : node.type} ${node.name} selected`);
    if (!fromMap && state.view === "map" && (node.type === "group" || !inSight(node))) lookAt(node);
  }
  location.replace("#" + (node ? `${node.type}=${encodeURIComponent(node.name)}` : `view=${state.view}`));
  legend();
  draw();
};

const callers = (accesses, title) => {
  if (!accesses.length) return counted("h3", title, 0);
  const groups = [...groupBy(accesses, a => a.definition.group)].sort(([, a], [, b]) => b.length - a.length);
  const parts = groups.map(([group, inside]) => {
    const byDefinition = [...groupBy(inside, a => a.definition)];
    return [
      make("h4", {}, dot(group), group.name),
      some(byDefinition, ([definition, all]) => make("li", {},
        definition.module ? link(definition.module, `${definition.name}`) : definition.name,
        modes(new Set(all.map(a => a.mode))),
        all.some(a => a.likely) ? make("span", { class: "kind" }, " likely") : null,
        [...new Set(all.map(a => `${a.path}:${a.line}`))].slice(0, 4).map(p => make("div", {}, place(p))))),
    ];
  });
  return [counted("h3", title, new Set(accesses.map(a => a.definition)).size), parts];
};

const keyRow = (key, other, text) => make("li", {}, make("code", {}, key.columns.join(", ")), " ", text, " ", link(other),
  key.from === "database" ? make("span", { class: "kind" }, " only in the database") : null,
  key.source.group !== key.target.group ? make("span", { class: "kind" }, ` crosses into ${other.group.name}`) : null,
  make("div", {}, place(key.place)));

const tableDetails = t => {
  const writers = t.accesses.filter(a => WRITES[a.mode]), readers = t.accesses.filter(a => !WRITES[a.mode]);
  const writing = [...new Set(writers.map(a => a.definition.group))].filter(g => g !== t.group && !g.name.startsWith("("));
  return [
    make("h2", {}, t.name),
    make("div", { class: "kind" }, "table", t.rows !== null ? ` · about ${plural(t.rows, "row")}` : "", ` · known from ${t.source}`),
    make("div", {}, place(t.path, t.line)),
    make("p", { class: "why" }, raw.kind === "service" ? "Owned by " : "Used most by ", link(t.group), "."),
    writing.length ? make("p", { class: "warning" }, `Also written by ${writing.map(g => g.name).join(", ")}: each of these writes is a cut that someone must decide on.`) : null,
    callers(writers, "Written by"),
    callers(readers, "Read by"),
    t.observations.length ? [make("h3", {}, "Seen in traces"), some(t.observations, o => make("li", {}, o.definition ? link(o.definition, o.definition.name) : "?", ` ${o.mode} `, make("span", { class: "kind" }, `${o.count.toLocaleString("en")} times, ${o.milliseconds} ms${o.inCode ? "" : ", not found in the code"}`), o.statements.map(s => make("div", { class: "place" }, s))))] : null,
    t.transactions.length ? [counted("h3", "Written in transactions", t.transactions.length), some(t.transactions, u => make("li", {}, link(u.definition), make("span", { class: "kind" }, ` with ${u.tables.filter(o => o !== t).map(o => o.name).join(", ") || "no other table"}`)), 6)] : null,
    t.out.length ? [counted("h3", "Points to", t.out.length), some(t.out, k => keyRow(k, k.target, "→"))] : null,
    t.in.length ? [counted("h3", "Pointed to by", t.in.length), some(t.in, k => make("li", {}, link(k.source), " ", make("code", {}, k.columns.join(", ")), make("div", {}, place(k.place))))] : null,
    t.columns.length ? [counted("h3", "Columns", t.columns.length), make("table", { class: "columns" }, make("tbody", {}, t.columns.map(([name, type, flags]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, type), make("td", {}, flags)))))] : null,
  ];
};

// Ties of a module by where they lead: what holds it in its place, and what pulls at it.
const pulls = m => {
  const found = new Map(), add = (group, n) => found.set(group, (found.get(group) || 0) + n);
  m.calls.forEach((n, other) => add(other.group, n));
  m.calledBy.forEach((n, other) => add(other.group, n));
  m.accesses.forEach(a => add(a.table.group, WRITES[a.mode] ? 2 : 1));
  return [...found].sort(([, a], [, b]) => b - a);
};

const bars = (rows, total) => rows.map(([group, n]) => make("div", { class: "bar" }, link(group), make("i", { colour: colour(group), style: `width:${Math.max(1, 100 * n / rows[0][1])}%` }), make("small", {}, `${Math.round(100 * n / total)} %`)));

const moduleDetails = m => {
  const ties = pulls(m), total = sum(ties, ([, n]) => n), count = sum(m.split, ([, n]) => n);
  const own = ties.find(([g]) => g === m.group), mine = m.split.find(([g]) => g === m.group.index);
  const outside = ties.find(([g]) => g !== m.group && !g.name.startsWith("("));
  const tables = [...groupBy(m.accesses, a => a.table)].sort(([, a], [, b]) => b.length - a.length);
  const reason = [
    raw.kind === "service" ? "In " : "In the package ", link(m.group),
    count && raw.kind === "service" ? `: ${mine ? mine[1] : 0} of its ${plural(count, "definition")} ${mine && mine[1] === 1 ? "is" : "are"} there in the plan` : "",
    total ? `, and ${Math.round(100 * (own ? own[1] : 0) / total)} % of its ties lead there` : ", and nothing ties it to any other module or table",
    outside && (!own || outside[1] > own[1]) ? [`. More of them, ${Math.round(100 * outside[1] / total)} %, lead to `, link(outside[0])] : "", "."];
  const neighbour = (map, title) => map.size ? [counted("h3", title, map.size), some([...map].sort(([, a], [, b]) => b - a), ([other, n]) => make("li", {}, dot(other), " ", link(other), make("span", { class: "kind" }, ` ${plural(n, "place")}`)), 8)] : null;
  return [
    make("h2", {}, m.name),
    make("div", { class: "kind" }, `module · ${plural(m.lines, "line")} · ${plural(count, "definition")}`),
    make("div", {}, place(m.path)),
    make("p", { class: "why" }, reason),
    m.split.length > 1 ? [make("h3", {}, "Its definitions are split"), bars(m.split.map(([g, n]) => [graph.groups[g], n]), count)] : null,
    ties.length ? [make("h3", {}, "Where its ties lead"), bars(ties.slice(0, 8), total)] : null,
    tables.length ? [counted("h3", "Tables it uses", tables.length), some(tables, ([t, all]) => make("li", {}, dot(t), " ", link(t), modes(new Set(all.map(a => a.mode))), make("div", {}, place([...new Set(all.map(a => a.line))].slice(0, 6).map(l => `:${l}`).join(" ")))), 10)] : null,
    neighbour(m.calls, "Needs"),
    neighbour(m.calledBy, "Needed by"),
    m.cochanges.length ? [counted("h3", "Changed together with", m.cochanges.length), some([...m.cochanges].sort((a, b) => b.weight - a.weight), c => make("li", {}, link(c.other), make("span", { class: "kind" }, ` ${plural(c.commits, "commit")}`)), 6)] : null,
    m.entries.length ? [counted("h3", "Entry points", m.entries.length), some(m.entries, e => make("li", {}, make("code", {}, e.label), make("div", {}, place(m.path, e.definition.line))), 8)] : null,
    m.definitions.length ? [counted("h3", "Definitions", m.definitions.length), some(m.definitions, d => make("li", {}, raw.kind === "service" ? [dot(d), " "] : "", d.name, " ", place(`:${d.line}`)), 10)] : null,
  ];
};

const groupDetails = g => {
  const leaving = raw.cuts.length ? graph.cuts.filter(c => c.from === g.name) : [];
  const ties = [...graph.groups.filter(o => o !== g).map(o => [o, (g.ties.get(o) || { total: 0 }).total + (o.ties.get(g) || { total: 0 }).total])].filter(([, n]) => n).sort(([, a], [, b]) => b - a);
  const total = sum(ties, ([, n]) => n);
  return [
    make("h2", {}, g.name),
    make("div", { class: "kind" }, `${serviceWord} · ${plural(g.modules.length, "module")} · ${plural(sum(g.modules, m => m.lines), "line")} · ${plural(g.tables.length, "table")}`),
    g.purpose ? make("p", { class: "why" }, g.purpose) : null,
    g.order ? make("p", {}, `Number ${g.order} to be taken out: ${g.reason}`) : null,
    ties.length ? [make("h3", {}, "Tied to"), bars(ties.slice(0, 12), total)] : null,
    g.tables.length ? [counted("h3", "Tables", g.tables.length), some(g.tables, t => make("li", {}, dot(t), " ", link(t)), 20)] : null,
    leaving.length ? [counted("h3", "What it needs from others", leaving.length), some([...leaving].sort((a, b) => (b.decision === "manual") - (a.decision === "manual")), c => make("li", {}, make("b", {}, c.decision), ` ${c.what} `, make("span", { class: "kind" }, `of ${c.to}`), make("div", { class: "kind" }, c.reason), make("div", {}, place(c.places[0]))), 8)] : null,
    g.modules.length ? [counted("h3", "Modules", g.modules.length), some([...g.modules].sort((a, b) => b.lines - a.lines), m => make("li", {}, link(m), make("span", { class: "kind" }, ` ${plural(m.lines, "line")}`)), 12)] : null,
  ];
};
