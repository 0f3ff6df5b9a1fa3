/* Filters, the list, areas, and what leaves the page as a file or on paper. */
function filters() {
  var holder = box("filters");
  function select(id, words_, options_, act) {
    var line = element("label", null, { "class": "line" }), node = element("select", null, { id: id });
    options_.forEach(function (o) { node.appendChild(element("option", o[1], { value: o[0] })); });
    line.appendChild(element("span", words_)); line.appendChild(node);
    node.addEventListener("change", function () { act(node.value); });
    holder.appendChild(line);
    return node;
  }
  ["hamlet", "roof_type", "status", "status_reason", "transformer_id"].forEach(function (key) {
    var names = namesOf(tables.roofs[key]);
    if (names.filter(Boolean).length < (key === "status_reason" ? 1 : 2)) { return; }
    var now = state.filters.filter(function (f) { return f.key === key; })[0];
    var node = select("filter-" + key, text(key), [["", text("all")]].concat(names.filter(Boolean).map(function (n) { return [n, wordSaid(key, n)]; })), function (value) {
      setFilter(key, value ? { kind: "word", key: key, value: value } : null);
      if (key === "hamlet" && value) { showKept(); }
    });
    if (now) { node.value = now.value; }
  });
  tickBox(holder, "filter-window", text("filter_window"), state.filters.some(function (f) { return f.kind === "window"; }), function (on) { setFilter("window", on ? { kind: "window", key: "window" } : null); });
  var drawn = state.filters.some(function (f) { return f.kind === "area"; });
  holder.appendChild(button(text(view.drawing ? "area_click" : drawn ? "area_off" : "area_draw"), function () { if (drawn) { setFilter("area", null); filters(); } else { drawArea(!view.drawing); } }, { id: "draw-area", "aria-pressed": String(Boolean(view.drawing)) }));
  if (data.personal) {
    var poor = data.personal.poor;
    tickBox(holder, "filter-" + poor, text(poor), state.filters.some(function (f) { return f.kind === "poor"; }), function (on) { setFilter(poor, on ? { kind: "poor", key: poor } : null); });
  }
  data.measures.forEach(function (m) { if (!m.kinds) { rangeFilter(holder, m); } });
  filterCount();
  holder.appendChild(button(text("no_filter"), function () { state.filters = []; filters(); update(); remember(true); }, { id: "no-filter" }));
}
function namesOf(column) {
  if (!column) { return []; }
  if (column.names) { return column.names; }
  var out = new Set();
  for (var i = 0; i < view.roofs.count; i++) { out.add(textAt(column, i)); }
  return Array.from(out);
}
function rangeFilter(holder, m) {
  var now = state.filters.filter(function (f) { return f.kind === "range" && f.key === m.key; })[0] || {}, line = element("div", null, { "class": "line", role: "group", "aria-label": text(m.key) });
  var filterUnit = unitOf(m.key);
  line.appendChild(element("span", text(m.key) + (filterUnit ? " (" + filterUnit + ")" : "")));
  ["low", "high"].forEach(function (end) {
    var scale = isShare(m.key) ? 100 : 1;
    var input = element("input", null, { type: "number", step: "any", id: "filter-" + m.key + "-" + end, "aria-label": text(m.key) + " " + text(end === "low" ? "at_least" : "at_most"), placeholder: text(end === "low" ? "at_least" : "at_most") });
    if (known(now[end])) { input.value = shortNumber(now[end] * scale); }
    input.addEventListener("change", function () {
      var f = state.filters.filter(function (g) { return g.kind === "range" && g.key === m.key; })[0] || { kind: "range", key: m.key, low: null, high: null };
      f[end] = input.value === "" ? null : shortNumber(Number(input.value) / scale);
      setFilter(m.key, f.low === null && f.high === null ? null : f);
    });
    line.appendChild(input);
  });
  holder.appendChild(line);
}
function filterCount() { document.querySelector("#filter-box summary").textContent = text("filters") + (state.filters.length ? " (" + state.filters.length + ")" : ""); }
function setFilter(key, filter) {
  state.filters = state.filters.filter(function (f) { return f.key !== key; });
  if (filter) { state.filters.push(filter); }
  filterCount();
  update();
  remember(true);
  say(filled("said_kept", { count: number(counted().length, 0) }));
}
/* The map moves to what a filter keeps. */
function showKept() {
  var rows = counted(), b = view.roofs.box, held = [Infinity, Infinity, -Infinity, -Infinity];
  if (!rows.length) { return; }
  rows.forEach(function (i) {
    held[0] = Math.min(held[0], b[4 * i]); held[1] = Math.min(held[1], b[4 * i + 1]); held[2] = Math.max(held[2], b[4 * i + 2]); held[3] = Math.max(held[3], b[4 * i + 3]);
  });
  map.fitBounds(L.latLngBounds(latLngOf(held[0], held[1]), latLngOf(held[2], held[3])), { padding: [20, 20], animate: false, maxZoom: 20 });
}
/* An area: corners by clicks, closed by a click on the first, a double click or Enter. */
function drawArea(on) {
  view.drawing = on ? [] : null;
  map[on ? "doubleClickZoom" : "dragging"][on ? "disable" : "enable"]();
  if (!on) { map.doubleClickZoom.enable(); }
  map.getContainer().classList.toggle("drawing", Boolean(on));
  if (on) { say(text("area_click")); }
  layer.mark(); filters();
}
function areaCorner(at) {
  var points = view.drawing, frame = layer.frame(), near = 8 / frame.scale;
  if (points.length > 2 && Math.abs(points[0][0] - at[0]) < near && Math.abs(points[0][1] - at[1]) < near) { areaDone(); return; }
  points.push(at);
  layer.mark();
}
function areaDone() {
  var points = view.drawing;
  drawArea(false);
  if (points && points.length > 2) { setFilter("area", { kind: "area", key: "area", points: points }); filters(); }
}

function list() {
  var holder = box("list"), rows = Array.from(state.ticked), homes = homesOfRoofs(rows).count;
  holder.appendChild(element("h2", text("list") + text("colon") + filled("list_count", { roofs: number(rows.length, 0), homes: number(homes, 0) }), { id: "list-head" }));
  if (rows.length) {
    var s = sums(rows), said = ["capacity_kwp", "energy_kwh", "income_first_year"].filter(function (k) { return known(s[k]); }).map(function (k) { return text(k) + " " + shown(k, s[k], "whole"); });
    holder.appendChild(element("p", said.join(style().parts), { "class": "small", id: "list-sums" }));
  }
  rows.slice(0, 200).forEach(function (i) {
    var line = element("div", null, { "class": "listed" });
    line.appendChild(button(textAt(tables.roofs.building_id, i), function () { choose(i, true); }));
    line.appendChild(button("×", function () { toggleTick(i, false); }, { "aria-label": text("off_list") + " " + textAt(tables.roofs.building_id, i) }));
    holder.appendChild(line);
  });
  if (rows.length > 200) { holder.appendChild(element("p", filled("list_more", { count: number(rows.length - 200, 0) }), { "class": "small" })); }
  var save = button(text("export_csv"), exportCsv, { id: "export" });
  save.disabled = rows.length === 0;
  holder.appendChild(save);
  if (rows.length) { holder.appendChild(button(text("list_clear"), function () { tick([], true); }, { id: "list-clear" })); }
}
/* Roofs go on the list, or off it; several at once in one go. */
function tick(roofs, only) {
  if (only) { state.ticked = new Set(roofs); } else { roofs.forEach(function (i) { state.ticked.add(i); }); }
  list(); layer.mark(); tickRows(); remember(true);
  var input = document.getElementById("card-tick");
  if (input) { input.checked = state.ticked.has(state.chosen); }
  say(text("list") + text("colon") + number(state.ticked.size, 0));
}
function toggleTick(i, on) { toggleTicks([i], on); }
function toggleTicks(roofs, on) {
  roofs.forEach(function (i) { if (on) { state.ticked.add(i); } else { state.ticked.delete(i); } });
  tick([]);
}
/* A cell that a spreadsheet takes for text: quoted, and never a formula. */
function cell(value) {
  var said = value === null || value === undefined || (typeof value === "number" && value !== value) ? "" : String(value);
  if (typeof value !== "number" && /^[\s]*[=+\-@\t\r|%]/.test(said)) { said = "'" + said; }
  return '"' + said.replace(/"/g, '""') + '"';
}
function csvText() {
  var keys = data.csv.filter(function (k) { return valuesOf(k); }), apart = comparing() ? other().compared.filter(function (k) { return keys.indexOf(k) >= 0; }) : [];
  var ranks = roofRanks();
  function head(k) { var unit = unitOf(k); return text(k) + (unit ? " (" + unit + ")" : ""); }
  var heads = [text("building_id"), text("household_id")].concat(data.personal ? [text(data.personal.name)] : []).concat([text("hamlet"), text("rank_roofs"), text("reason")]).concat(keys.map(head));
  apart.forEach(function (k) { heads.push(head(k) + " A", head(k) + " B", head(k) + " B − A"); });
  var lines = [heads.map(cell).join(",")];
  state.ticked.forEach(function (i) {
    var homes = homesOf(i), names = homes.map(function (h) { return textAt(tables.households.household_id, h); }).join("; ");
    var own = data.personal ? [homes.map(function (h) { return textAt(tables.households[data.personal.name], h); }).join("; ")] : [];
    var line = [textAt(tables.roofs.building_id, i), names].concat(own).concat([textAt(tables.roofs.hamlet, i), known(ranks[i]) ? ranks[i] : "", whyNot(i)]).concat(keys.map(function (k) { return shortOf(valuesOf(k)[i]); }));
    apart.forEach(function (k) { var a = plannedValues(k)[i], b = otherValues(k)[i]; line.push(shortOf(a), shortOf(b), shortOf(b - a)); });
    lines.push(line.map(cell).join(","));
  });
  // What the numbers stand for, below them, so that a sheet that travels alone explains itself.
  lines.push("", [text("village"), data.name].map(cell).join(","), [text("assumed"), situation()].map(cell).join(","));
  if (comparing()) { lines.push(["A", data.name].map(cell).join(","), ["B", other().name].map(cell).join(",")); }
  data.notes.forEach(function (note) { lines.push([text("note"), text(note)].map(cell).join(",")); });
  return "\ufeff" + lines.join("\r\n") + "\r\n";
}
/* As far as money is counted: to the fen, without the tail of a float. */
function shortOf(value) { return value === value ? Number(value.toFixed(4)) : NaN; }
function fileName(end) { return (data.name.replace(/[^\w\u4e00-\u9fff-]+/g, "_").slice(0, 60) || "pvplanner") + (data.personal ? "-internal" : "") + end; }
function saveBlob(blob, end) {
  var link = element("a", null, { download: fileName(end) });
  link.href = URL.createObjectURL(blob);
  document.body.appendChild(link); link.click(); document.body.removeChild(link);
  setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
}
function exportCsv() { saveBlob(new Blob([csvText()], { type: "text/csv;charset=utf-8" }), ".csv"); }
