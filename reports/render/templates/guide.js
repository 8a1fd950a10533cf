"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  /* An element with attributes and text; names from the study only ever become text. */
  const make = (name, attributes = {}, text = "") => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  };
  const draw = (name, attributes = {}, text = "") => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  };

  /* ---- Tooltip: the text of a point, on hovering, on touch, and by the arrow keys in a focused figure. ---- */

  const tip = make("div", { class: "tooltip", role: "status", "aria-live": "polite", hidden: "" });
  document.body.append(tip);
  let asked = null;

  const ask = (point) => {
    asked?.classList.remove("asked");
    asked = point;
    tip.hidden = !point;
    if (!point) return;
    point.classList.add("asked");
    tip.textContent = point.dataset.text;
    const at = point.getBoundingClientRect();
    const wide = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const left = Math.max(8, Math.min(wide, at.left + at.width / 2 - tip.offsetWidth / 2));
    const above = at.top - tip.offsetHeight - 8;
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${(above < 4 ? at.bottom + 8 : above) + scrollY}px`;
  };

  /* The native tooltips say the same without this script; two at once would be one too many. */
  for (const title of all("svg .point > title")) {
    title.parentNode.dataset.text = title.textContent;
    title.remove();
  }
  for (const title of all("svg.figure > title")) title.remove(); // aria-label says it
  document.addEventListener("pointerover", (event) => ask(event.target.closest?.("[data-text]")));
  document.addEventListener("keydown", (event) => event.key === "Escape" && ask(null));

  const askByKeys = (figure) => {
    figure.setAttribute("tabindex", "0");
    const points = all("[data-text]", figure);
    let at = 0;
    const move = (by) => {
      at = Math.max(0, Math.min(points.length - 1, at + by));
      ask(points[at]);
    };
    const seriesOf = (point) => point.closest("[data-series]");
    const nextSeries = (by) => {
      const from = seriesOf(points[at]);
      for (let to = at + by; to >= 0 && to < points.length; to += by) {
        if (seriesOf(points[to]) !== from) return move(to - at);
      }
    };
    const keys = {
      ArrowRight: () => move(1), ArrowLeft: () => move(-1), ArrowDown: () => nextSeries(1), ArrowUp: () => nextSeries(-1),
    };
    figure.addEventListener("focus", () => figure.matches(":focus-visible") && points.length && move(0));
    figure.addEventListener("blur", () => ask(null));
    figure.addEventListener("keydown", (event) => {
      if (event.shiftKey || !points.length || !keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
  };

  /* ---- Zoom: lines stretch, marks only move, and the axes are labelled anew. ---- */

  const round = (low, high, wanted) => {
    const rough = (high - low) / wanted, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough * (1 - 1e-9));
    const values = [];
    for (let n = Math.ceil(low / step - 1e-9); n <= high / step + 1e-9; n++) values.push(n * step);
    return { values, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
  };
  const decades = (low, high) => {
    const values = [];
    for (let power = Math.floor(low); power <= high; power++) {
      for (const each of [1, 2, 5]) values.push(each * 10 ** power);
    }
    return values.filter((value) => Math.log10(value) >= low && Math.log10(value) <= high);
  };
  const printed = (value, digits) => {
    const text = Math.abs(value).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return value < 0 && /[1-9]/.test(text) ? `\u2212${text}` : text;
  };

  /* Labels for the part `from` to `to` (shares of the axis) of a scale: [share, text]. */
  const labels = (scale, from, to) => {
    const [first, last, log] = scale.split(" ");
    const size = last - first, low = +first + size * from, high = +first + size * to;
    if (log && high - low >= 1) {
      return decades(low, high).map((value) => [
        (Math.log10(value) - low) / (high - low), printed(value, Math.max(0, -Math.floor(Math.log10(value) + 1e-9))),
      ]);
    }
    const { values, digits } = log ? round(10 ** low, 10 ** high, 5) : round(low, high, 5);
    return values.map((value) => [((log ? Math.log10(value) : value) - low) / (high - low), printed(value, digits)]);
  };

  const zoomable = (figure) => {
    const area = figure.querySelector(".area"), stretched = area.querySelector(".stretch");
    const [left, top, width, height] = ["x", "y", "width", "height"].map((name) => +area.getAttribute(name));
    const marks = all("path.point, .tag", area).map((mark) => {
      const [x, y] = mark.getAttribute("transform").match(/-?[\d.]+/g).map(Number);
      return { mark, x, y, home: mark.getAttribute("transform") };
    });
    const axes = ["x", "y"].map((name) => figure.querySelector(`.axis-${name}`));
    const homes = axes.map((axis) => [...axis.childNodes]);
    const { x: scaleX, y: scaleY } = figure.dataset;
    const whole = { x: 0, y: 0, w: width, h: height };
    let view = whole;

    const tick = (x, y, text, upright) => {
      const group = draw("g");
      group.append(
        draw("line", upright ? { class: "grid", x1: x, x2: x, y1: top, y2: top + height }
          : { class: "grid", x1: left, x2: left + width, y1: y, y2: y }),
        draw("text", upright ? { class: "tick", x, y: top + height + 17, "text-anchor": "middle" }
          : { class: "tick", x: left - 8, y: y + 4, "text-anchor": "end" }, text));
      return group;
    };
    const show = (next) => {
      const w = Math.min(width, Math.max(width / 200, next.w)), h = scaleY ? Math.min(height, Math.max(height / 200, next.h)) : height;
      view = { w, h, x: Math.max(0, Math.min(width - w, next.x)), y: scaleY ? Math.max(0, Math.min(height - h, next.y)) : 0 };
      const home = w === width && h === height, sx = width / w, sy = height / h;
      if (home) stretched.removeAttribute("transform");
      else stretched.setAttribute("transform", `scale(${sx} ${sy}) translate(${-view.x} ${-view.y})`);
      for (const { mark, x, y, home: there } of marks) {
        mark.setAttribute("transform", home ? there : `translate(${(x - view.x) * sx} ${(y - view.y) * sy})`);
      }
      const across = () => labels(scaleX, view.x / width, (view.x + w) / width).map(([at, text]) => tick(left + at * width, 0, text, true));
      const up = () => labels(scaleY, 1 - (view.y + h) / height, 1 - view.y / height)
        .map(([at, text]) => tick(0, top + (1 - at) * height, text, false));
      axes[0].replaceChildren(...(home ? homes[0] : across()));
      if (scaleY) axes[1].replaceChildren(...(home ? homes[1] : up()));
      reset.disabled = out.disabled = home;
      ask(null);
    };
    const zoom = (by, x = view.x + view.w / 2, y = view.y + view.h / 2) => show({
      w: view.w / by, h: view.h / by, x: x - (x - view.x) / by, y: y - (y - view.y) / by,
    });
    const pan = (right, down) => show({ ...view, x: view.x + right * view.w, y: view.y + down * view.h });

    const button = (text, label, action) => {
      const made = make("button", { type: "button", "aria-label": label, title: label }, text);
      made.addEventListener("click", action);
      return made;
    };
    const out = button("\u2212", "Zoom out", () => zoom(1 / 1.6));
    const reset = button("Reset", "Reset the zoom", () => show(whole));
    const tools = make("div", { class: "tools" });
    tools.append(make("span"), button("+", "Zoom in", () => zoom(1.6)), out, reset);
    tools.firstChild.textContent = matchMedia("(hover: hover)").matches ? "Drag to zoom in, Shift and drag to move." : "";
    figure.closest(".canvas").before(tools);
    out.disabled = reset.disabled = true;

    const place = (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(figure.getScreenCTM().inverse());
      return { x: Math.max(0, Math.min(width, at.x - left)), y: Math.max(0, Math.min(height, at.y - top)) };
    };
    const inside = ({ x, y }) => ({ x: view.x + (x / width) * view.w, y: view.y + (y / height) * view.h });
    let start = null, rubber = null;
    area.addEventListener("pointerdown", (event) => {
      if (event.button || event.pointerType === "touch") return; // a finger scrolls the page
      event.preventDefault();
      figure.focus({ preventScroll: true });
      area.setPointerCapture(event.pointerId);
      start = { ...place(event), view, moves: event.shiftKey };
      if (!start.moves) area.append((rubber = draw("rect", { class: "rubber" })));
    });
    area.addEventListener("pointermove", (event) => {
      if (!start) return;
      const to = place(event);
      if (start.moves) {
        return show({ ...start.view, x: start.view.x - ((to.x - start.x) / width) * view.w, y: start.view.y - ((to.y - start.y) / height) * view.h });
      }
      const box = { x: Math.min(start.x, to.x), y: scaleY ? Math.min(start.y, to.y) : 0, width: Math.abs(to.x - start.x), height: scaleY ? Math.abs(to.y - start.y) : height };
      for (const [name, value] of Object.entries(box)) rubber.setAttribute(name, value);
    });
    const end = (event) => {
      rubber?.remove();
      const from = start;
      start = rubber = null;
      if (!from || from.moves || event.type === "pointercancel") return;
      const to = place(event);
      if (Math.abs(to.x - from.x) < 8 || (scaleY && Math.abs(to.y - from.y) < 8)) return;
      const a = inside({ x: Math.min(from.x, to.x), y: Math.min(from.y, to.y) }), b = inside({ x: Math.max(from.x, to.x), y: Math.max(from.y, to.y) });
      show({ ...a, w: b.x - a.x, h: b.y - a.y });
    };
    area.addEventListener("pointerup", end);
    area.addEventListener("pointercancel", end);
    area.addEventListener("dblclick", () => show(whole));
    area.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the wheel alone scrolls the page
      event.preventDefault();
      const at = inside(place(event));
      zoom(1.2 ** -Math.sign(event.deltaY), at.x, at.y);
    }, { passive: false });
    const keys = {
      "+": () => zoom(1.6), "-": () => zoom(1 / 1.6), 0: () => show(whole),
      ArrowLeft: () => pan(-0.25, 0), ArrowRight: () => pan(0.25, 0), ArrowUp: () => pan(0, -0.25), ArrowDown: () => pan(0, 0.25),
    };
    figure.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || !keys[event.key] || (event.key.startsWith("Arrow") && !event.shiftKey)) return;
      event.preventDefault();
      keys[event.key]();
    });
  };

  /* Pointing at a series in the legend quiets the others. */
  const legend = (drawing) => {
    for (const entry of all(".legend li", drawing)) {
      const tell = (told) => {
        const figure = drawing.querySelector(".figure");
        figure.classList.toggle("quiet", told);
        for (const part of all(`[data-series="${entry.dataset.series}"]`, figure)) part.classList.toggle("told", told);
      };
      entry.addEventListener("pointerenter", () => tell(true));
      entry.addEventListener("pointerleave", () => tell(false));
    }
  };

  all(".figure").forEach(askByKeys);
  all(".figure.chart").forEach(zoomable);
  all(".drawing").forEach(legend);

  /* ---- Tables: sorting by a column, the runs behind a row. ---- */

  const data = JSON.parse(document.getElementById("runs").textContent);

  const numbers = (ranges) => ranges.split(" ").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
  const runRow = ([id, cell, seed, outcome, accuracy, wandb]) => {
    const row = make("tr");
    const name = make("th", { scope: "row" });
    name.append(make("code", {}, id));
    const link = make("td", { "data-label": "W&B" });
    if (wandb && data.address) {
      link.append(make("a", { href: data.address + encodeURIComponent(wandb), rel: "noopener noreferrer" }, wandb));
    } else if (wandb) {
      link.append(make("code", {}, wandb));
    }
    row.append(
      name, make("td", { "data-label": "cell" }, data.cells[cell]), make("td", { class: "number", "data-label": "seed" }, seed),
      make("td", { "data-label": "status" }, data.outcomes[outcome]),
      make("td", { class: "number", "data-label": "test accuracy %" }, accuracy === null ? "-" : (100 * accuracy).toFixed(2)), link);
    return row;
  };
  const runTable = (runs) => {
    const table = make("table"), head = make("thead"), titles = make("tr"), body = make("tbody");
    table.append(make("caption", {}, "The runs behind this row"), head, body);
    head.append(titles);
    for (const title of ["run", "cell", "seed", "status", "test accuracy %", runs.some((run) => run[5]) ? "W&B" : ""]) {
      titles.append(make("th", { scope: "col", ...(/seed|%/.test(title) ? { class: "number" } : {}) }, title));
    }
    body.append(...runs.map(runRow));
    return table;
  };
  const openable = (row) => {
    const head = row.querySelector("th"), columns = row.children.length;
    const button = make("button", { type: "button", "aria-expanded": "false", title: "Show the runs behind this row" }, head.textContent);
    head.replaceChildren(button);
    row.classList.add("ready");
    let below = null;
    const toggle = () => {
      if (below) {
        below.remove();
        below = null;
      } else {
        const runs = numbers(row.dataset.runs).map((number) => data.runs[number]);
        const cell = make("td", { colspan: columns }), list = make("div", { class: "list", tabindex: "0" });
        list.append(runTable(runs));
        cell.append(list);
        if (data.hint && runs.some((run) => run[5])) cell.append(make("p", { class: "key" }, `Links to W&B come with: ${data.hint}`));
        below = make("tr", { class: "behind" });
        below.append(cell);
        row.after(below);
      }
      button.setAttribute("aria-expanded", String(below !== null));
    };
    row.addEventListener("click", (event) => {
      const within = event.target.closest("a, button");
      if ((!within || within === button) && !getSelection().toString()) toggle();
    });
  };

  const compare = (column, numeric, direction) => (one, other) => {
    const [a, b] = [one, other].map((row) => row.children[column]);
    if (!numeric) return direction * a.textContent.localeCompare(b.textContent, "en", { numeric: true });
    const [x, y] = [a, b].map((cell) => (cell.dataset.value === undefined ? NaN : +cell.dataset.value));
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y); // what is missing stays last
    return direction * (x - y);
  };
  const sortable = (table) => {
    const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (head.classList.contains("plot")) return;
      const button = make("button", { type: "button", title: "Sort by this column" }, head.textContent);
      head.replaceChildren(button);
      const numeric = rows.some((row) => row.children[column].dataset.value !== undefined);
      button.addEventListener("click", () => {
        const now = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
        const next = now === undefined ? "ascending" : now;
        for (const each of heads) each.removeAttribute("aria-sort");
        if (next) head.setAttribute("aria-sort", next);
        const order = next ? rows.toSorted(compare(column, numeric, next === "ascending" ? 1 : -1)) : rows;
        body.append(...order.flatMap((row) => (row.nextElementSibling?.matches(".behind") ? [row, row.nextElementSibling] : [row])));
      });
    });
  };

  for (const table of all("main table")) if (table.tBodies[0].rows.length > 1) sortable(table);
  all("tr[data-runs]").forEach(openable);

  /* ---- Folded sections: a link opens the one it leads to, printing opens all. ---- */

  const openTarget = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target?.querySelector(":scope > details");
    if (folded) folded.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", openTarget);
  if (location.hash) openTarget();
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const each of closed) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of closed) each.open = false;
  });

  /* ---- Light or dark, against the system's choice; kept nowhere. ---- */

  const system = matchMedia("(prefers-color-scheme: dark)");
  const toggle = make("button", { type: "button", class: "switch" });
  let dark = system.matches;
  const name = () => (toggle.textContent = dark ? "Light page" : "Dark page");
  toggle.addEventListener("click", () => {
    dark = !dark;
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
    name();
  });
  system.addEventListener("change", () => {
    dark = system.matches;
    document.documentElement.style.colorScheme = "";
    name();
  });
  name();
  document.querySelector("header").append(toggle);
})();
