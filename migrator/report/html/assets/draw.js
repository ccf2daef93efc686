// The map's picture. Far away: groups and what flows between them. Nearer: nodes. Near: names.
const EDGES_AT_ONCE = 1400;
const pen = canvas.getContext("2d");
let waiting = false;
const draw = () => {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; paint(); });
};

let inks = null;
const readInks = () => {
  const style = getComputedStyle(document.documentElement), ink = name => style.getPropertyValue("--" + name).trim();
  inks = { paper: ink("paper"), card: ink("card"), ink: ink("ink"), soft: ink("soft"), line: ink("line"), read: ink("read"), write: ink("write"), accent: ink("accent"), groups: new Map(graph.groups.map(g => [g, colour(g)])) };
};
const edgeInk = kind => ({ read: inks.read, write: inks.write, call: inks.soft, key: inks.soft })[kind];

const paint = () => {
  if (!inks) readInks();
  const ratio = devicePixelRatio || 1, { x, y, scale } = state.camera, width = canvas.clientWidth, height = canvas.clientHeight;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = inks.paper;
  pen.fillRect(0, 0, width, height);
  pen.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * (width / 2 - x * scale), ratio * (height / 2 - y * scale));
  const view = { left: x - width / 2 / scale - 30, right: x + width / 2 / scale + 30, top: y - height / 2 / scale - 30, bottom: y + height / 2 / scale + 30 };
  const inView = n => n.x > view.left && n.x < view.right && n.y > view.top && n.y < view.bottom;
  const centre = state.selected && state.selected.type !== "definition" ? state.selected : null;
  const lit = around(state.hovered && state.hovered.type !== "group" ? state.hovered : centre || state.hovered);
  discs(scale, lit);
  const shown = graph.nodes.filter(n => visible(n) && inView(n));
  ties(scale, lit, inView);
  if (scale < 0.45 && shown.length > 400) crowd(shown, scale, lit);
  else shown.forEach(n => mark(n, scale, lit));
  labels(shown, scale, lit, ratio, width, height);
};

// What stands out: a node with its neighbours, or a group with all that it holds. Null: everything.
const around = node => {
  if (!node) return state.focus ? { node: state.focus, nodes: new Set([...state.focus.modules, ...state.focus.tables]), edges: [], group: state.focus } : null;
  if (node.type === "group") return { node, nodes: new Set([...node.modules, ...node.tables]), edges: [], group: node };
  const edges = graph.near.get(node).filter(edgeVisible), nodes = new Set([node]);
  edges.forEach(e => { nodes.add(e.a); nodes.add(e.b); });
  return { node, nodes, edges, group: null };
};

const discs = (scale, lit) => graph.groups.forEach(g => {
  if (!g.modules.length && !g.tables.length) return;  // definitions alone: in the legend
  const chosen = state.selected === g || state.hovered === g || (lit && lit.group === g);
  const dim = lit && lit.group && !chosen && !lit.group.ties.has(g) && !g.ties.has(lit.group);
  pen.globalAlpha = dim ? 0.35 : 1;
  pen.beginPath();
  pen.arc(g.x, g.y, g.r, 0, 7);
  pen.fillStyle = inks.card;
  pen.fill();
  pen.globalAlpha = (state.dark ? 0.12 : 0.09) * (dim ? 0.4 : 1);
  pen.fillStyle = inks.groups.get(g);
  pen.fill();
  pen.globalAlpha = dim ? 0.25 : chosen ? 1 : 0.55;
  pen.strokeStyle = inks.groups.get(g);
  pen.lineWidth = (chosen ? 2.4 : 1.2) / scale;
  pen.stroke();
  pen.globalAlpha = 1;
});

const curve = (a, b, bend) => {
  pen.moveTo(a.x, a.y);
  pen.quadraticCurveTo((a.x + b.x) / 2 - (b.y - a.y) * bend, (a.y + b.y) / 2 + (b.x - a.x) * bend, b.x, b.y);
};

const ties = (scale, lit, inView) => {
  if (!lit || lit.group) flows(scale, lit);
  const few = lit && !lit.group ? lit.edges : null;
  const list = few || graph.edges.filter(e => edgeVisible(e) && (scale > 0.95 || !e.crosses) && (inView(e.a) || inView(e.b)) && (!lit || !lit.group || e.a.group === lit.group || e.b.group === lit.group));
  if (!few && (scale < 0.4 || list.length > EDGES_AT_ONCE)) return;
  pen.lineCap = "round";
  for (const kind of ["key", "call", "read", "write"]) {
    pen.strokeStyle = edgeInk(kind);
    pen.setLineDash(kind === "key" ? [5 / scale, 4 / scale] : []);
    list.forEach(e => {
      if (e.kind !== kind) return;
      pen.globalAlpha = few ? 0.85 : e.crosses ? 0.3 : 0.17;
      pen.lineWidth = (few ? 1.1 + Math.min(2.4, Math.log2(e.weight) * 0.55) : 0.9) / Math.max(scale, 0.55);
      pen.beginPath();
      curve(e.a, e.b, 0.1);
      pen.stroke();
      if (few) arrow(e, scale);
    });
  }
  pen.setLineDash([]);
  pen.globalAlpha = 1;
};

const arrow = (e, scale) => {
  const bend = 0.1, mx = (e.a.x + e.b.x) / 2 - (e.b.y - e.a.y) * bend, my = (e.a.y + e.b.y) / 2 + (e.b.x - e.a.x) * bend;
  const angle = Math.atan2(e.b.y - my, e.b.x - mx), size = 6 / Math.max(scale, 0.55), back = e.b.radius + 1.5;
  const x = e.b.x - Math.cos(angle) * back, y = e.b.y - Math.sin(angle) * back;
  pen.setLineDash([]);
  pen.fillStyle = pen.strokeStyle;
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(x - Math.cos(angle - 0.42) * size, y - Math.sin(angle - 0.42) * size);
  pen.lineTo(x - Math.cos(angle + 0.42) * size, y - Math.sin(angle + 0.42) * size);
  pen.fill();
  if (e.kind === "key") pen.setLineDash([5 / scale, 4 / scale]);
};

// One ribbon for each pair of groups: as wide as its ties are many, orange where any is a write.
const flows = (scale, lit) => {
  const most = Math.log2(2 + Math.max(1, ...graph.groups.map(g => Math.max(0, ...[...g.ties.values()].map(t => t.total)))));
  graph.groups.forEach(g => g.ties.forEach((tie, other) => {
    const mine = lit && lit.group && (g === lit.group || other === lit.group);
    if (lit && lit.group && !mine) return;
    // Everybody calls the glue and the shared code: those ribbons only when asked for.
    const common = !mine && (g.name.startsWith("(") || other.name.startsWith("("));
    const weight = sum(["read", "write", "call", "key"].filter(k => state.show[k] && !(common && k === "call")), k => tie[k]);
    if (!weight) return;
    const away = Math.hypot(other.x - g.x, other.y - g.y), ux = (other.x - g.x) / away, uy = (other.y - g.y) / away;
    const a = { x: g.x + ux * g.r, y: g.y + uy * g.r }, b = { x: other.x - ux * other.r, y: other.y - uy * other.r };
    const share = Math.log2(1 + weight) / most;
    pen.strokeStyle = tie.write && state.show.write ? inks.write : tie.read && state.show.read ? inks.read : inks.soft;
    pen.globalAlpha = (mine ? 0.8 : 0.2 + 0.35 * share) * (scale > 0.95 && !mine ? 0.4 : 1);
    pen.lineWidth = (1 + 7 * share * share) / Math.max(scale, 0.18) * (scale > 0.6 ? 0.7 : 1);
    pen.lineCap = "butt";
    pen.beginPath();
    curve(a, b, 0.16);
    pen.stroke();
  }));
  pen.globalAlpha = 1;
};

// From afar all nodes of a group are one path: 5,000 single ones would take five times as long.
const crowd = (shown, scale, lit) => {
  groupBy(shown.filter(n => !lit || !lit.nodes.has(n)), n => n.group).forEach((nodes, group) => {
    pen.globalAlpha = lit ? 0.2 : 1;
    pen.fillStyle = pen.strokeStyle = inks.groups.get(group);
    pen.lineWidth = Math.max(2.2, 1 / scale);
    pen.beginPath();
    nodes.forEach(n => { if (n.type === "table") pen.rect(n.x - n.radius, n.y - n.radius * 0.78, 2 * n.radius, n.radius * 1.56); });
    pen.fill();
    pen.beginPath();
    nodes.forEach(n => { if (n.type === "module") { pen.moveTo(n.x + n.radius, n.y); pen.arc(n.x, n.y, n.radius, 0, 7); } });
    pen.stroke();
  });
  pen.globalAlpha = 1;
  if (lit) shown.filter(n => lit.nodes.has(n)).forEach(n => mark(n, scale, lit));
};

const mark = (n, scale, lit) => {
  const faint = lit && !lit.nodes.has(n), r = n.radius, tone = inks.groups.get(n.group);
  pen.globalAlpha = faint ? 0.2 : 1;
  pen.beginPath();
  if (n.type === "table") {
    pen.roundRect(n.x - r, n.y - r * 0.78, 2 * r, r * 1.56, 4);
    pen.fillStyle = tone;
    pen.fill();
    if (scale > 0.45) {  // the rows of a table, drawn as such
      pen.strokeStyle = inks.card;
      pen.lineWidth = 1.4;
      pen.globalAlpha *= 0.8;
      pen.beginPath();
      pen.moveTo(n.x - r * 0.62, n.y - r * 0.26); pen.lineTo(n.x + r * 0.62, n.y - r * 0.26);
      pen.moveTo(n.x - r * 0.62, n.y + r * 0.2); pen.lineTo(n.x + r * 0.62, n.y + r * 0.2);
      pen.stroke();
    }
  } else {
    pen.arc(n.x, n.y, r, 0, 7);
    pen.fillStyle = inks.card;
    pen.fill();
    pen.lineWidth = Math.max(2.2, 1 / scale);
    if (n.split.length > 1 && scale > 0.45) rings(n, r);
    else { pen.strokeStyle = tone; pen.stroke(); }
  }
  pen.globalAlpha = 1;
  if (n === state.selected || n === state.hovered) {
    pen.beginPath();
    pen.arc(n.x, n.y, Math.max(r, 14) + 4, 0, 7);
    pen.strokeStyle = n === state.selected ? inks.accent : inks.ink;
    pen.lineWidth = 2.2 / Math.max(scale, 0.5);
    pen.stroke();
  }
};

// A module whose definitions go to several services has a ring of their colours.
const rings = (n, r) => {
  const total = sum(n.split, ([, count]) => count);
  let from = -Math.PI / 2;
  pen.lineWidth = 4;
  n.split.forEach(([group, count]) => {
    const to = from + 2 * Math.PI * count / total;
    pen.beginPath();
    pen.arc(n.x, n.y, r, from, to);
    pen.strokeStyle = inks.groups.get(graph.groups[group]);
    pen.stroke();
    from = to;
  });
};

const short = n => n.type === "table" ? n.name : n.name.split(".").slice(-2).join(".");
const labels = (shown, scale, lit, ratio, width, height) => {
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const taken = [];
  const free = (x, y, w, h) => {
    if (x + w < 0 || y + h < 0 || x > width || y > height) return false;
    if (taken.some(t => x < t.x + t.w && t.x < x + w && y < t.y + t.h && t.y < y + h)) return false;
    taken.push({ x, y, w, h });
    return true;
  };
  const write = (text, x, y, size, weight, ink, alpha, force) => {
    pen.font = `${weight} ${size}px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`;
    const w = pen.measureText(text).width;
    if (!free(x - w / 2 - 2, y - size * 0.6, w + 4, size * 1.2) && !force) return;
    pen.globalAlpha = alpha;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    pen.lineWidth = 3.5;
    pen.strokeStyle = inks.card;
    pen.strokeText(text, x, y);
    pen.fillStyle = ink;
    pen.fillText(text, x, y);
    pen.globalAlpha = 1;
  };
  [...graph.groups].sort((a, b) => b.r - a.r).forEach(g => {
    // The name must fit its disc: bold letters are about 0.66 as wide as high.
    const far = scale < 0.3, at = toScreen(g.x, far ? g.y : g.y - g.r), room = (far ? 2 : 2.5) * g.r * scale / (0.66 * g.shown.length);
    const size = Math.max(10, Math.min(17, g.r * scale * 0.16 + 8, room));
    const dim = lit && lit.group && lit.group !== g ? 0.55 : 1;
    if ((far && g.r * scale < 9) || (!g.modules.length && !g.tables.length)) return;
    write(g.shown, at.x, far ? at.y : at.y - 2, size, 650, inks.ink, dim, g.r * scale > 26);
  });
  const important = n => (n === state.selected || n === state.hovered ? 1e9 : 0) + (lit && lit.nodes.has(n) ? 1e6 : 0) + (n.type === "table" ? 1e3 : 0) + graph.near.get(n).length;
  const size = Math.max(10.5, Math.min(13, 7.5 + scale * 4));
  const wanted = shown.filter(n => (lit && !lit.group && lit.nodes.has(n) && scale > 0.22) || (n.type === "table" ? scale > 0.42 : scale > 0.8));
  wanted.sort((a, b) => important(b) - important(a) || a.index - b.index).slice(0, 700).forEach(n => {
    const p = toScreen(n.x, n.y), faint = lit && !lit.nodes.has(n);
    write(short(n), p.x, p.y + (n.type === "table" ? n.radius * 0.78 : n.radius) * scale + size * 0.75, size, n.type === "table" ? 600 : 400, faint ? inks.soft : inks.ink, faint ? 0.45 : 1, n === state.selected);
  });
};
