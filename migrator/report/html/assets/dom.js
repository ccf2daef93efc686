// Elements are made, never parsed: no text of the monolith is ever read as HTML.
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "style") element.style.cssText += value;
    else if (name === "colour") element.style.setProperty("--c", value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
};
const byId = id => document.getElementById(id);
const colour = group => colourOf(group, state.dark);
const dot = node => make("span", { class: "dot" + (node.type === "table" ? " table" : ""), colour: colour(node.group || node), "aria-hidden": "true" });
const link = (node, text) => make("button", { class: "link", onclick: () => select(node) }, text || node.name);
const place = (path, line) => path ? make("span", { class: "place" }, line ? `${path}:${line}` : path) : null;
const modes = used => make("span", { class: "modes" }, [1, 0, 2, 3].filter(m => used.has(m)).map(m =>
  make("abbr", { class: "mode " + MODES[m], title: ["reads", "inserts", "updates", "deletes"][m] }, MODES[m])));
const counted = (tag, text, count) => make(tag, {}, text, make("span", { class: "count" }, count.toLocaleString("en")));

// Long lists show a part and a button for the rest, so that a table with a thousand readers opens at once.
const some = (items, row, limit = 12, className = "plain rows") => {
  const list = make("ul", { class: className }, items.slice(0, limit).map(row));
  if (items.length <= limit) return list;
  const more = make("button", { class: "link", onclick: () => {
    const at = list.children.length;
    list.append(...items.slice(at, at + 200).map(row));
    const left = items.length - list.children.length;
    if (left > 0) more.textContent = `${left.toLocaleString("en")} more`; else more.remove();
  } }, `${(items.length - limit).toLocaleString("en")} more`);
  return make("div", {}, list, more);
};
