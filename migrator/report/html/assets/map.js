// What is shown, from where, and what lies under the pointer. Drawing itself is in draw.js.
const state = {
  dark: false, view: "map", selected: null, hovered: null, focus: null, crossing: false,
  show: { module: true, table: true, call: true, read: true, write: true, key: true, test: true },
  camera: { x: 0, y: 0, scale: 1 },
};
const canvas = byId("map");
const stage = byId("stage");

// A coarse grid answers "what is here" in the same time for 50 nodes and for 50,000.
const grid = new Map();
const cellOf = (x, y) => Math.floor(x / raw.cell) + "," + Math.floor(y / raw.cell);
graph.nodes.forEach(n => {
  const key = cellOf(n.x, n.y);
  if (grid.has(key)) grid.get(key).push(n); else grid.set(key, [n]);
});

const visible = node => state.show[node.type];
const edgeVisible = e => state.show[e.kind] && visible(e.a) && visible(e.b) && (!state.crossing || e.crosses);
const toWorld = (px, py) => ({ x: (px - canvas.clientWidth / 2) / state.camera.scale + state.camera.x, y: (py - canvas.clientHeight / 2) / state.camera.scale + state.camera.y });
const toScreen = (x, y) => ({ x: (x - state.camera.x) * state.camera.scale + canvas.clientWidth / 2, y: (y - state.camera.y) * state.camera.scale + canvas.clientHeight / 2 });

const under = (px, py) => {
  const { x, y } = toWorld(px, py), reach = Math.max(1, Math.ceil(9 / state.camera.scale / raw.cell));
  let best = null, least = Infinity;
  if (state.camera.scale > 0.16) {
    for (let dx = -reach; dx <= reach; dx++) for (let dy = -reach; dy <= reach; dy++) {
      for (const n of grid.get(cellOf(x + dx * raw.cell, y + dy * raw.cell)) || []) {
        const d = Math.hypot(n.x - x, n.y - y);
        if (visible(n) && d < Math.max(n.radius, 8 / state.camera.scale) && d < least) { best = n; least = d; }
      }
    }
  }
  return best || graph.groups.find(g => Math.hypot(g.x - x, g.y - y) < g.r) || null;
};

let bounds = null;
const everything = () => {
  if (!bounds) {
    const left = Math.min(...graph.groups.map(g => g.x - g.r)), right = Math.max(...graph.groups.map(g => g.x + g.r));
    const top = Math.min(...graph.groups.map(g => g.y - g.r)), bottom = Math.max(...graph.groups.map(g => g.y + g.r));
    bounds = { x: (left + right) / 2, y: (top + bottom) / 2, width: right - left, height: bottom - top };
  }
  return bounds;
};
const clampScale = s => Math.min(4, Math.max(fitScale() * 0.6, s));
const fitScale = () => {
  const all = everything();
  return Math.min((canvas.clientWidth - 60) / all.width, (canvas.clientHeight - 76) / all.height, 2.2);
};

const still = matchMedia("(prefers-reduced-motion: reduce)");
let flight = 0;
const flyTo = (x, y, scale, at_once) => {
  const from = { ...state.camera }, to = { x, y, scale }, start = performance.now(), id = ++flight;
  if (at_once || still.matches) { Object.assign(state.camera, to); return draw(); }
  const step = now => {
    if (id !== flight) return;
    const t = Math.min(1, (now - start) / 350), e = 1 - (1 - t) ** 3;
    state.camera.x = from.x + (to.x - from.x) * e;
    state.camera.y = from.y + (to.y - from.y) * e;
    state.camera.scale = from.scale * (to.scale / from.scale) ** e;
    draw();
    if (t < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
};
const fit = at_once => flyTo(everything().x, everything().y - 8 / fitScale(), fitScale(), at_once);
const zoomAt = (px, py, factor) => {
  flight++;
  const before = toWorld(px, py), c = state.camera;
  c.scale = clampScale(c.scale * factor);
  const after = toWorld(px, py);
  c.x += before.x - after.x;
  c.y += before.y - after.y;
  draw();
};
const lookAt = node => {
  if (node.type === "group") return flyTo(node.x, node.y, clampScale(Math.min(canvas.clientWidth, canvas.clientHeight) / (node.r * 2.5)));
  flyTo(node.x, node.y, clampScale(Math.max(state.camera.scale, 0.95)));
};
const inSight = node => {
  const p = toScreen(node.x, node.y);
  return p.x > 40 && p.y > 40 && p.x < canvas.clientWidth - 40 && p.y < canvas.clientHeight - 40 && state.camera.scale > 0.3;
};

const tip = byId("tip");
const showTip = (node, px, py) => {
  tip.hidden = !node || node.type === "group";
  if (tip.hidden) return;
  const users = node.type === "table" ? new Set(node.accesses.map(a => a.definition.group.name)).size : 0;
  const told = node.type === "table"
    ? `table of ${node.group.name} · used by ${plural(users, serviceWord)}`
    : `module of ${node.group.name} · ${plural(node.lines, "line")}`;
  tip.replaceChildren(make("b", {}, node.name), make("span", {}, told));
  const right = px > stage.clientWidth - 280;
  tip.style.left = right ? "" : px + 14 + "px";
  tip.style.right = right ? stage.clientWidth - px + 14 + "px" : "";
  tip.style.top = Math.min(py + 14, stage.clientHeight - 64) + "px";
};

const listen = () => {
  const pointers = new Map();
  let moved = 0, span = 0;
  canvas.addEventListener("pointerdown", e => {
    flight++;
    canvas.setPointerCapture(e.pointerId);
    pointers.set(e.pointerId, { x: e.offsetX, y: e.offsetY });
    moved = 0;
    span = 0;
  });
  canvas.addEventListener("pointermove", e => {
    const before = pointers.get(e.pointerId);
    if (!before) {
      const found = under(e.offsetX, e.offsetY);
      canvas.classList.toggle("over", !!found);
      showTip(found, e.offsetX, e.offsetY);
      if (found !== state.hovered) { state.hovered = found; draw(); }
      return;
    }
    pointers.set(e.pointerId, { x: e.offsetX, y: e.offsetY });
    if (pointers.size === 2) {  // two fingers: zoom about their middle
      const [a, b] = [...pointers.values()], now = Math.hypot(a.x - b.x, a.y - b.y);
      if (span) zoomAt((a.x + b.x) / 2, (a.y + b.y) / 2, now / span);
      span = now;
      moved = 99;
      return;
    }
    const dx = e.offsetX - before.x, dy = e.offsetY - before.y;
    moved += Math.abs(dx) + Math.abs(dy);
    if (moved < 4) return;
    canvas.classList.add("moving");
    tip.hidden = true;
    state.camera.x -= dx / state.camera.scale;
    state.camera.y -= dy / state.camera.scale;
    draw();
  });
  const release = e => {
    const pressed = pointers.delete(e.pointerId);
    canvas.classList.remove("moving");
    if (pressed && e.type === "pointerup" && moved < 4) select(under(e.offsetX, e.offsetY), true);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => { state.hovered = null; tip.hidden = true; draw(); });
  canvas.addEventListener("dblclick", e => zoomAt(e.offsetX, e.offsetY, 1.8));
  canvas.addEventListener("wheel", e => {
    e.preventDefault();
    zoomAt(e.offsetX, e.offsetY, Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.0016)));
  }, { passive: false });
  canvas.addEventListener("keydown", e => {
    const step = 80 / state.camera.scale, c = state.camera, middle = [canvas.clientWidth / 2, canvas.clientHeight / 2];
    const keys = {
      ArrowLeft: () => { c.x -= step; draw(); }, ArrowRight: () => { c.x += step; draw(); },
      ArrowUp: () => { c.y -= step; draw(); }, ArrowDown: () => { c.y += step; draw(); },
      "+": () => zoomAt(...middle, 1.3), "=": () => zoomAt(...middle, 1.3), "-": () => zoomAt(...middle, 1 / 1.3),
      "0": () => fit(), Enter: () => select(under(...middle), true),
    };
    if (!keys[e.key] || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    keys[e.key]();
  });
  document.querySelectorAll("[data-zoom]").forEach(button => button.addEventListener("click", () => {
    const middle = [canvas.clientWidth / 2, canvas.clientHeight / 2];
    ({ in: () => zoomAt(...middle, 1.5), out: () => zoomAt(...middle, 1 / 1.5), fit })[button.dataset.zoom]();
  }));
  let seen = false;
  new ResizeObserver(() => {
    const ratio = devicePixelRatio || 1;
    if (!canvas.clientWidth) return;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    if (seen) draw(); else { seen = true; fit(true); }
  }).observe(stage);
};
