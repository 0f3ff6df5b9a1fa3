(function () {
"use strict";
var data = JSON.parse(document.getElementById("data").textContent);
var NS = "http://www.w3.org/2000/svg";
var RAMP = ["#fff7bc", "#fee391", "#fec44f", "#fe9929", "#cc4c02"];
var state = { language: data.language, scenario: data.scenarios[0], measure: data.measures.length ? data.measures[0].key : "",
  beside: "", each: false, sort: "", down: true, on: "", search: "" };
function byId(id) { return document.getElementById(id); }
function word(key) { return data.words[state.language][key] || key; }
function make(name, text, cls) { var e = document.createElement(name); if (text !== undefined) { e.textContent = text; } if (cls) { e.className = cls; } return e; }
function empty(e) { while (e.firstChild) { e.removeChild(e.firstChild); } return e; }
function svg(name, told) { var e = document.createElementNS(NS, name); Object.keys(told || {}).forEach(function (k) { e.setAttribute(k, told[k]); }); return e; }
function scenarioName(s) { return s === "base" ? word("region_base") : s === "as_poorest_data" ? word("region_poorest_scenario") : s; }
function measureOf(key) { return data.measures.filter(function (m) { return m.key === key; })[0]; }
function value(scenario, key, n) { var v = data.values[scenario][key][n]; return v === null ? NaN : v; }
function shown(v, key, each) {
  if (!isFinite(v)) { return word("unknown"); }
  var m = measureOf(key), rule = each && m.sum && key !== "households" ? "s3" : m.rule, mark = "", digits = 0, step;
  if (rule.charAt(0) === "p") { v *= 100; mark = "%"; rule = rule.slice(1); }
  if (rule.charAt(0) === "t") { step = Number(rule.slice(1)); v = Math.floor(v / step + 0.5) * step; }
  else if (rule.charAt(0) === "s") { digits = v ? Math.max(Number(rule.slice(1)) - 1 - Math.floor(Math.log10(Math.abs(v))), 0) : 0; v = v ? Number(v.toPrecision(Number(rule.slice(1)))) : 0; digits = Math.min(digits, 6); }
  else { digits = Number(rule.replace("u", "")); }
  if (!v) { v = 0; }
  return v.toLocaleString(state.language === "zh" ? "zh-CN" : "en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits }) + mark;
}
function name(key, whole) { var m = measureOf(key), unit = m.unit[state.language]; var text = m.label[state.language]; if (state.each && !whole && m.sum && key !== "households") { text += " / " + word("region_one"); } return unit ? text + " (" + unit + ")" : text; }
function told(key, n) {
  var v = value(state.scenario, key, n);
  if (!state.each || !measureOf(key).sum || key === "households") { return v; }
  if (key === "income_first_year" && measureOf("income_per_household")) { return value(state.scenario, "income_per_household", n); }
  var homes = value(state.scenario, "households", n);
  return homes > 0 ? v / homes : NaN;
}
function classes(values) {
  var known = values.filter(isFinite).sort(function (a, b) { return a - b; });
  if (!known.length) { return []; }
  if (known[0] === known[known.length - 1]) { return [known[0], known[0]]; }
  var edges = [known[0]], k;
  for (k = 1; k < 5; k += 1) { var e = known[Math.floor(k * known.length / 5)]; if (e > edges[edges.length - 1]) { edges.push(e); } }
  if (known[known.length - 1] > edges[edges.length - 1]) { edges.push(known[known.length - 1]); }
  return edges;
}
function classOf(v, edges) { var k; for (k = edges.length - 2; k > 0; k -= 1) { if (v >= edges[k]) { return k; } } return 0; }
function colour(k, count) { return RAMP[count < 2 ? 2 : Math.round(k * (RAMP.length - 1) / (count - 1))]; }
function drawMap() {
  var box = empty(byId("map")), legend = empty(byId("legend")), west = Infinity, south = Infinity, east = -Infinity, north = -Infinity;
  data.villages.forEach(function (v) { v.rings.forEach(function (r) { r.forEach(function (p) { west = Math.min(west, p[0]); east = Math.max(east, p[0]); south = Math.min(south, p[1]); north = Math.max(north, p[1]); }); }); });
  if (!isFinite(west)) { box.appendChild(make("p", word("region_no_map"), "small")); return; }
  var flat = Math.cos((south + north) / 2 * Math.PI / 180), wide = Math.max((east - west) * flat, 1e-6), high = Math.max(north - south, 1e-6);
  var scale = Math.min(760 / wide, 460 / high), w = wide * scale + 40, h = high * scale + 40;
  var root = svg("svg", { viewBox: "0 0 " + w.toFixed(0) + " " + h.toFixed(0), role: "group", "aria-label": name(state.measure) });
  var defs = svg("defs"), stripes = svg("pattern", { id: "none", width: 6, height: 6, patternUnits: "userSpaceOnUse" });
  stripes.appendChild(svg("path", { d: "M0 6 L6 0", stroke: "#8a8f94" })); defs.appendChild(stripes); root.appendChild(defs);
  var values = data.villages.map(function (v, n) { return v.failed ? NaN : told(state.measure, n); });
  var edges = classes(values), count = edges.length - 1, counts = [], k;
  for (k = 0; k < count; k += 1) { counts.push(0); }
  data.villages.forEach(function (v, n) {
    var known = isFinite(values[n]), which = known ? classOf(values[n], edges) : -1;
    if (known) { counts[which] += 1; }
    var path = v.rings.map(function (r) { return "M" + r.map(function (p) { return (20 + (p[0] - west) * flat * scale).toFixed(1) + " " + (20 + (north - p[1]) * scale).toFixed(1); }).join("L") + "Z"; }).join("");
    var shape = svg("path", { d: path, fill: known ? colour(which, count) : "url(#none)", tabindex: 0, role: "button", "fill-rule": "evenodd" });
    shape.setAttribute("class", "village" + (state.on === v.key ? " on" : ""));
    var title = svg("title"); title.textContent = v.name + ": " + (v.failed ? word("region_failed") : shown(values[n], state.measure, state.each)); shape.appendChild(title);
    shape.addEventListener("click", function () { pick(v.key); });
    shape.addEventListener("keydown", function (event) { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(v.key); } });
    root.appendChild(shape);
  });
  if (data.villages.length <= 60) {
    data.villages.forEach(function (v) {
      if (!v.rings.length) { return; }
      var x = 0, y = 0, ring = v.rings[0];
      ring.forEach(function (p) { x += p[0] / ring.length; y += p[1] / ring.length; });
      // A name at the edge runs inwards.
      var at = 20 + (x - west) * flat * scale, side = at < 60 ? "start" : at > w - 60 ? "end" : "middle";
      var text = svg("text", { x: (side === "start" ? Math.min(at, 24) : side === "end" ? Math.max(at, w - 24) : at).toFixed(1), y: (24 + (north - y) * scale).toFixed(1), "text-anchor": side, "class": "name" });
      text.textContent = v.name; root.appendChild(text);
    });
  }
  box.appendChild(root);
  if (values.filter(function (v) { return !isFinite(v); }).length) { legend.appendChild(make("span", "", "swatch")); legend.appendChild(document.createTextNode(word("unknown"))); }
  for (k = 0; k < count; k += 1) {
    var swatch = make("span", "", "swatch"); swatch.style.background = colour(k, count); legend.appendChild(swatch);
    legend.appendChild(document.createTextNode(shown(edges[k], state.measure, state.each) + " – " + shown(edges[k + 1], state.measure, state.each) + " (" + counts[k] + ")"));
  }
  legend.appendChild(make("div", name(state.measure), "small"));
}
function table(heads, rows, box) {
  var t = make("table"), head = make("thead"), line = make("tr"), body = make("tbody");
  heads.forEach(function (h) { var th = make("th"); th.scope = "col"; if (h.nodeType) { th.appendChild(h); } else { th.textContent = h; } line.appendChild(th); });
  head.appendChild(line); t.appendChild(head);
  rows.forEach(function (r) { var tr = make("tr", undefined, r.cls || ""); if (r.pick) { tr.addEventListener("click", r.pick); } r.cells.forEach(function (c, n) { tr.appendChild(make("td", c, r.text && (r.text === true || r.text.indexOf(n) >= 0) ? "text" : "")); }); body.appendChild(tr); });
  t.appendChild(body); var scroll = make("div", undefined, "scroll"); scroll.appendChild(t); empty(box).appendChild(scroll);
}
function drawTotals() {
  var rows = data.totals.filter(function (r) { return r.scenario === state.scenario; }).map(function (r) {
    var range = r.p90 === null ? "" : shown(r.p90, r.measure) + " – " + shown(r.p10, r.measure);
    var common = r.shared === null ? "" : Math.round(100 * r.shared) + " %";
    var m = measureOf(r.measure), unit = m.unit[state.language];
    var known = r.known === r.villages ? "" : word("region_known").replace("{known}", r.known).replace("{all}", r.villages);
    // Of how many villages it is known stands with the name: a column of its own would be cut off.
    return { cells: [m.label[state.language] + (unit ? " (" + unit + ")" : "") + (known ? ": " + known : ""), shown(r.value === null ? NaN : r.value, r.measure), range, common] };
  });
  table([word("region_measure"), word("region_sum"), word("region_range"), word("region_shared")], rows, byId("totals"));
}
function drawScenarios() {
  var rows = data.scenarios.map(function (s) {
    var hit = data.totals.filter(function (r) { return r.scenario === s && r.measure === state.measure; })[0];
    var base = data.totals.filter(function (r) { return r.scenario === state.scenario && r.measure === state.measure; })[0];
    var v = hit && hit.value !== null ? hit.value : NaN, b = base && base.value !== null ? base.value : NaN;
    var gap = v - b, part = b ? gap / Math.abs(b) : NaN;
    return { cells: [scenarioName(s), hit ? shown(v, state.measure) : "", isFinite(gap) && s !== state.scenario ? (gap > 0 ? "+" : "") + shown(gap, state.measure) : "", isFinite(part) && s !== state.scenario ? (part > 0 ? "+" : "") + (100 * part).toFixed(1) + " %" : ""], cls: s === state.scenario ? "on" : "" };
  });
  table([word("region_scenario"), name(state.measure, true), word("region_more"), ""], rows, byId("scenarios"));
  if (/^income_/.test(state.measure)) { byId("scenarios").appendChild(make("p", word("region_income_note"), "small")); }
}
function drawSupply() {
  var box = empty(byId("supply")), rows = [], k;
  data.villages.forEach(function (v, n) { if (!v.failed) { var cost = value(state.scenario, "lcoe", n), kwh = value(state.scenario, "energy_kwh", n) * v.weight; if (isFinite(cost) && kwh > 0) { rows.push([cost, kwh, v]); } } });
  if (!rows.length) { box.appendChild(make("p", word("unknown"), "small")); return; }
  rows.sort(function (a, b) { return a[0] - b[0] || (a[2].key < b[2].key ? -1 : 1); });
  var whole = rows.reduce(function (s, r) { return s + r[1]; }, 0), top = rows[rows.length - 1][0] * 1.1, x = 50, root = svg("svg", { viewBox: "0 0 520 260", role: "img", "aria-label": word("region_supply") });
  rows.forEach(function (r) {
    var w = r[1] / whole * 450, h = r[0] / top * 200, bar = svg("rect", { x: x.toFixed(2), y: (215 - h).toFixed(2), width: Math.max(w - 0.5, 0.3).toFixed(2), height: h.toFixed(2), fill: state.on === r[2].key ? "#cc4c02" : "#3f7cac" });
    var title = svg("title"); title.textContent = r[2].name + ": " + shown(r[0], "lcoe") + " / " + shown(r[1], "energy_kwh"); bar.appendChild(title);
    bar.addEventListener("click", function () { pick(r[2].key); }); root.appendChild(bar); x += w;
  });
  root.appendChild(svg("path", { d: "M50 10 V215 H505", fill: "none", stroke: "#1d2b36" }));
  [0, 0.5, 1].forEach(function (p) { var t = svg("text", { x: 45, y: (219 - p * 200 / 1.1).toFixed(0), "text-anchor": "end" }); t.textContent = shown(p * top / 1.1, "lcoe"); root.appendChild(t); var u = svg("text", { x: (50 + p * 450).toFixed(0), y: 232, "text-anchor": p === 1 ? "end" : p ? "middle" : "start" }); u.textContent = (p * whole / 1e6).toLocaleString(state.language === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: 1 }); root.appendChild(u); });
  var unit = svg("text", { x: 275, y: 252, "text-anchor": "middle" }); unit.textContent = word("region_supply_axes"); root.appendChild(unit);
  box.appendChild(root);
}
function columns() { return ["households", "capacity_kwp", "energy_kwh", "income_first_year", "investment", "lcoe", "avoided_t"].filter(function (k) { return measureOf(k) && k !== state.measure; }); }
function drawVillages() {
  var heads = [["", word("village")], [state.measure, name(state.measure)]];
  if (state.beside) { heads.push(["beside", scenarioName(state.beside)], ["gap", word("region_more")]); }
  heads.push(["range", word("region_range")]);
  columns().forEach(function (k) { heads.push([k, name(k)]); });
  var rows = data.villages.map(function (v, n) {
    if (v.failed) { return { v: v, sort: {}, cells: [v.label, word("region_failed")] }; }
    var own = told(state.measure, n), sort = { "": v.label }, cells = [v.label, shown(own, state.measure, state.each)];
    sort[state.measure] = own;
    if (state.beside) {
      var at = state.scenario; state.scenario = state.beside; var other = told(state.measure, n); state.scenario = at;
      sort.beside = other; sort.gap = other - own; cells.push(shown(other, state.measure, state.each), shown(other - own, state.measure, state.each));
    }
    var low = data.p90[state.scenario][state.measure], high = data.p10[state.scenario][state.measure], whole = value(state.scenario, state.measure, n);
    // A range goes with the figure that is shown: a household's is as wide as its village's.
    var part = own === whole ? 1 : own / whole;
    cells.push(low && low[n] !== null && isFinite(part) ? shown(low[n] * part, state.measure, state.each) + " – " + shown(high[n] * part, state.measure, state.each) : "");
    columns().forEach(function (k) { var c = told(k, n); sort[k] = c; cells.push(shown(c, k, state.each)); });
    return { v: v, sort: sort, cells: cells };
  }).filter(function (r) { return !state.search || r.v.label.toLowerCase().indexOf(state.search) >= 0; });
  var key = state.sort || state.measure, sign = state.down ? -1 : 1;
  rows.sort(function (a, b) {
    if (key === "name") { return sign * (a.v.label < b.v.label ? -1 : a.v.label > b.v.label ? 1 : 0); }
    var x = a.sort[key], y = b.sort[key], xn = !isFinite(x), yn = !isFinite(y);
    return xn || yn ? xn - yn : sign * (x - y) || (a.v.key < b.v.key ? -1 : 1);
  });
  byId("count").textContent = word("region_count").replace("{count}", rows.length).replace("{all}", data.villages.length);
  table(heads.map(function (h) { var b = make("button", h[1]); b.type = "button"; b.addEventListener("click", function () { var next = h[0] || "name"; state.down = state.sort === next ? !state.down : next !== "name"; state.sort = next; draw(); }); return b; }),
    rows.map(function (r) { return { cells: r.cells, cls: r.v.key === state.on ? "on" : "", pick: function () { pick(r.v.key); } }; }), byId("villages"));
}
function drawRank() {
  if (!byId("rank") || !data.rank) { return; }
  table([word("village"), word("region_score"), word("region_draws"), word("region_weights"), word("region_poorest")],
    data.rank.map(function (r) { return { cls: r.chosen ? "chosen" : "", cells: [r.village + (r.chosen ? " ✓" : "")].concat([r.score, r.draws, r.weights, r.poorest].map(function (v, n) { return v === null ? "" : n ? Math.round(100 * v) + " %" : v.toFixed(2); })) }; }), byId("rank"));
}
function drawFound() {
  table([word("region_villages"), "", word("region_finding")], data.findings.map(function (f) { return { cells: [f.villages || "", f.names.join(word("region_comma")) + (f.villages > f.names.length ? " …" : ""), (f.villages > 1 ? word("region_first").replace("{name}", f.names[0]) : "") + f[state.language]], text: [1, 2] }; }), byId("findings"));
  var doubts = empty(byId("doubts")), own = data.findings.filter(function (f) { return !f.villages && f.level === "doubt"; });
  doubts.hidden = !own.length && !data.sampled;
  own.forEach(function (f) { doubts.appendChild(make("p", f[state.language])); });
  if (data.sampled) { doubts.appendChild(make("p", word("region_sampled"))); }
  var box = empty(byId("failed")); box.hidden = !data.failed.length;
  if (data.failed.length) {
    box.appendChild(make("h2", word("region_failed_head").replace("{count}", data.failed.length)));
    var inner = make("div"); box.appendChild(inner);
    table([word("village"), word("region_why")], data.failed.map(function (f) { return { cells: [f.village, f[state.language]], text: [1] }; }), inner);
  }
}
function pick(key) { state.on = state.on === key ? "" : key; draw(); }
function fill(id, options, chosen) { var s = empty(byId(id)); options.forEach(function (o) { var e = make("option", o[1]); e.value = o[0]; if (o[0] === chosen) { e.selected = true; } s.appendChild(e); }); }
function draw() {
  document.documentElement.lang = state.language;
  byId("title").textContent = data.name; byId("notes").textContent = data.synthetic ? word("synthetic_note") : "";
  Array.prototype.forEach.call(document.querySelectorAll("[data-text]"), function (e) { e.textContent = word(e.getAttribute("data-text")); });
  fill("scenario", data.scenarios.map(function (s) { return [s, scenarioName(s)]; }), state.scenario);
  fill("measure", data.measures.map(function (m) { return [m.key, m.label[state.language]]; }), state.measure);
  fill("beside", [["", "–"]].concat(data.scenarios.filter(function (s) { return s !== state.scenario; }).map(function (s) { return [s, scenarioName(s)]; })), state.beside);
  drawFound();
  if (data.totals.length) { drawMap(); drawTotals(); drawScenarios(); drawSupply(); drawVillages(); drawRank(); }
  byId("search").placeholder = word("search");
  byId("foot").textContent = word("region_foot").replace("{version}", data.version);
}
["scenario", "measure", "beside"].forEach(function (id) { byId(id).addEventListener("change", function () { state[id] = byId(id).value; if (state.beside === state.scenario) { state.beside = ""; } draw(); }); });
byId("each").addEventListener("change", function () { state.each = byId("each").checked; draw(); });
byId("search").addEventListener("input", function () { state.search = byId("search").value.toLowerCase(); drawVillages(); });
Object.keys(data.words).forEach(function (code) { var b = make("button", data.words[code].language_name); b.type = "button"; b.setAttribute("data-language", code); b.addEventListener("click", function () { state.language = code; draw(); }); byId("languages").appendChild(b); });
draw();
window.pvplanner = { state: state, data: data };
document.body.setAttribute("data-ready", "yes");
}());
