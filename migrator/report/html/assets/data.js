// The graph, decoded: rows become objects, and each node knows its neighbours.
const raw = JSON.parse(document.getElementById("data").textContent);
const MODES = ["R", "C", "U", "D"];  // read, insert, update, delete
const WRITES = [false, true, true, true];

// The package that nearly every group is in need not be said on each of them.
const common = (() => {
  const heads = raw.groups.map(g => g[0]).filter(name => name.includes(".")).map(name => name.split(".")[0] + ".");
  const head = heads[0] || "";
  return head && heads.length >= 0.8 * raw.groups.length - 1 && heads.every(h => h === head) ? head : "";
})();

const graph = (() => {
  const groups = raw.groups.map(([name, purpose, order, reason, x, y, r], index) =>
    ({ type: "group", index, name, shown: name.startsWith(common) ? name.slice(common.length) : name, purpose, order, reason, x, y, r, modules: [], tables: [], ties: new Map() }));
  const modules = raw.modules.map(([name, path, lines, group, x, y, split], index) => ({
    type: "module", index, name, path, lines, group: groups[group], x, y, split, accesses: [], calls: new Map(),
    calledBy: new Map(), entries: [], cochanges: [], definitions: [], radius: Math.min(15, 5 + Math.sqrt(lines) * 0.42) }));
  const tables = raw.tables.map(([name, path, line, group, x, y, source, definition, rows, columns], index) => ({
    type: "table", index, name, path, line, group: groups[group], x, y, source, definition, rows, columns,
    accesses: [], out: [], in: [], transactions: [], observations: [], radius: 14 }));
  modules.forEach(m => m.group.modules.push(m));
  tables.forEach(t => t.group.tables.push(t));
  const definitions = raw.definitions.map(([name, module, line, group], index) =>
    ({ type: "definition", index, name, module: modules[module], line, group: groups[group] }));
  definitions.forEach(d => d.module && d.module.definitions.push(d));

  const edges = new Map();
  const edge = (a, b, kind, weight) => {
    const key = kind + a.type + a.index + ">" + b.type + b.index;
    const found = edges.get(key);
    if (found) found.weight += weight; else edges.set(key, { a, b, kind, weight, crosses: a.group !== b.group });
  };
  const accesses = raw.accesses.map(([d, t, mode, line, how, likely, path]) => {
    const definition = definitions[d], table = tables[t];
    const access = { definition, table, mode, line, how, likely: !!likely, path: path || (definition.module ? definition.module.path : "") };
    table.accesses.push(access);
    if (definition.module) {
      definition.module.accesses.push(access);
      edge(definition.module, table, WRITES[mode] ? "write" : "read", 1);
    }
    return access;
  });
  raw.calls.forEach(([a, b, weight]) => {
    modules[a].calls.set(modules[b], weight);
    modules[b].calledBy.set(modules[a], weight);
    edge(modules[a], modules[b], "call", weight);
  });
  raw.keys.forEach(([a, b, columns, referred, place, from]) => {
    const key = { source: tables[a], target: tables[b], columns, referred, place, from };
    tables[a].out.push(key);
    tables[b].in.push(key);
    if (a !== b) edge(tables[a], tables[b], "key", 1);
  });
  raw.entries.forEach(([kind, label, d]) => {
    const definition = definitions[d];
    if (definition.module) definition.module.entries.push({ kind, label, definition });
  });
  const transactions = raw.transactions.map(([d, entries, ts, writers]) => {
    const unit = { definition: definitions[d], entries, tables: ts.map(t => tables[t]), writers: writers.map(w => definitions[w]) };
    unit.groups = [...new Set(unit.tables.map(t => t.group))];
    unit.tables.forEach(t => t.transactions.push(unit));
    return unit;
  });
  const cuts = raw.cuts.map(([from, to, what, kind, decision, reason, places]) => ({ from, to, what, kind, decision, reason, places }));
  raw.cochanges.forEach(([a, b, commits, weight]) => {
    modules[a].cochanges.push({ other: modules[b], commits, weight });
    modules[b].cochanges.push({ other: modules[a], commits, weight });
  });
  const byTable = new Map(tables.map(t => [t.name, t]));
  const observations = raw.observations.map(([kind, d, target, mode, count, milliseconds, exact, inCode, statements]) => {
    const o = { kind, definition: definitions[d], target, mode, count, milliseconds, exact: !!exact, inCode: !!inCode, statements };
    if (kind === "access" && byTable.has(target)) byTable.get(target).observations.push(o);
    return o;
  });
  const list = [...edges.values()];
  list.filter(e => e.crosses).forEach(e => {
    const ties = e.a.group.ties, found = ties.get(e.b.group) || { read: 0, write: 0, call: 0, key: 0, total: 0 };
    found[e.kind] += e.weight;
    found.total += e.weight;
    ties.set(e.b.group, found);
  });
  const nodes = [...modules, ...tables];
  const near = new Map(nodes.map(n => [n, []]));
  list.forEach(e => { near.get(e.a).push(e); near.get(e.b).push(e); });
  return { groups, modules, tables, definitions, accesses, edges: list, nodes, near, transactions, cuts, observations };
})();

// Hues told apart also by most people who are colour-blind, when beside their name; each has one
// lightness for light and one for dark paper.
const HUES = [211, 24, 150, 283, 48, 340, 178, 8, 95, 240, 310, 130];
const colourOf = (group, dark) => {
  if (group.name.startsWith("(")) return dark ? "hsl(215 8% 58%)" : "hsl(215 8% 52%)";
  const round = Math.floor(group.index / HUES.length);
  const hue = (HUES[group.index % HUES.length] + round * 15) % 360;
  return dark ? `hsl(${hue} 58% ${66 - round % 3 * 7}%)` : `hsl(${hue} 62% ${42 - round % 3 * 6}%)`;
};

const serviceWord = raw.kind === "service" ? "service" : "package";
const plural = (n, word, many) => `${n.toLocaleString("en")} ${n === 1 ? word : many || word + "s"}`;
const sum = (items, value) => items.reduce((total, item) => total + value(item), 0);
const groupBy = (items, key) => {
  const found = new Map();
  items.forEach(item => { const k = key(item); found.has(k) ? found.get(k).push(item) : found.set(k, [item]); });
  return found;
};
