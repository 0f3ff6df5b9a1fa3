/* Households or roofs beside the map: only the rows in sight are in the page. */
var ROW = 30, order = null;
function ofHomes() { return state.rows === "homes"; }
function tableColumns() {
  var keys = data.list.filter(function (key) { return data.missing.indexOf(key) < 0; }), texts = keys.filter(isText), numbers = keys.filter(function (k) { return !isText(k); });
  if (!ofHomes()) { texts = ["building_id", "household_id"].concat(texts.filter(function (k) { return k !== "building_id" && k !== "household_id"; })); }
  var columns = texts.concat(texts.indexOf("hamlet") < 0 && tables.roofs.hamlet ? ["hamlet"] : [], ["rank"], numbers, ["reason"]);
  if (!ofHomes()) { columns = columns.filter(function (k) { return k === "rank" || k === "reason" || isText(k) || valuesOf(k); }); }
  return columns.map(function (key) { return [key, isText(key) || key === "reason" ? "text" : "n"]; });
}
function isText(key) { return field(key).kind === "text" && key !== "rank"; }
function homeValue(key, h) {
  var homes = tables.households;
  if (key === "building_id") { return view.roofsOfHome(h).map(function (i) { return textAt(tables.roofs.building_id, i); }).join("; "); }
  if (key === "capacity_kwp") { return homes.watts[h] / 1000; }
  if (key === "income_first_year") { return money.first[h]; }
  if (key === "payback_years") { return money.payback[h]; }
  if (key === "rank") { return view.homeRanks[h]; }
  if (key === "reason") { return reasonOfHome(h); }
  if (key === "hamlet") { return hamletOfHome(h); }
  var column = homes[key];
  return column instanceof Float64Array ? column[h] : textAt(column, h);
}
/* As the ledger says; where it says nothing, where its roofs stand. */
function hamletOfHome(h) {
  var homes = tables.households, own = homes.hamlet ? textAt(homes.hamlet, h) : "", there = tables.roofs.hamlet;
  return own || !there ? own : saidOfRoofs(h, function (i) { return textAt(there, i); });
}
function reasonOfHome(h) { return saidOfRoofs(h, whyNot); }
/* What is said of the roofs of a household, each once. */
function saidOfRoofs(h, say) { return Array.from(new Set(view.roofsOfHome(h).map(say).filter(Boolean))).join(style().parts); }
function roofValue(key, i) {
  if (key === "household_id" || (data.personal && key === data.personal.name)) { return homesOf(i).slice(0, 4).map(function (h) { return textAt(tables.households[key], h); }).join("; ") + (homesOf(i).length > 4 ? " …" : ""); }
  if (key === "rank") { return view.roofRanks[i]; }
  if (key === "reason") { return whyNot(i); }
  if (isText(key)) { return tables.roofs[key] ? textAt(tables.roofs[key], i) : ""; }
  var values = valuesOf(key);
  return values ? values[i] : NaN;
}
function rowValue(key, n) { return ofHomes() ? homeValue(key, n) : roofValue(key, n); }
/* Places by the measure that is shown, the best first; nothing where there is no value. */
function ranksOf(count, valueAt, less) {
  var rows = [], out = new Float64Array(count).fill(NaN), before = NaN, place = 0;
  for (var n = 0; n < count; n++) { var v = valueAt(n); if (v === v) { rows.push([v, n]); } }
  rows.sort(function (a, b) { return less ? a[0] - b[0] : b[0] - a[0]; });
  rows.forEach(function (pair, k) { if (pair[0] !== before) { place = k + 1; before = pair[0]; } out[pair[1]] = place; });
  return out;
}
function rankedKey() { var m = plainMeasure(); return m.kinds ? "energy_kwh" : m.key; }
function roofRanks() {
  var key = rankedKey(), values = valuesOf(key), modules = tables.roofs.modules;
  return ranksOf(view.roofs.count, function (i) { return values && modules[i] > 0 && view.kept[i] ? values[i] : NaN; }, plainMeasure().better === "less");
}
function homeRanks() {
  var key = rankedKey(), column = tables.households[key], values = key === "income_first_year" ? money.first : key === "payback_years" ? money.payback : column || (key === "capacity_kwp" ? tables.households.watts : null);
  var roofs = values ? null : valuesOf(key);
  return ranksOf(view.roofOfHome.length, function (h) {
    var i = view.roofOfHome[h];
    if (!(tables.households.watts[h] > 0) || (state.filters.length && !homeKept(h))) { return NaN; }
    return values ? values[h] : i >= 0 && roofs ? roofs[i] : NaN;
  }, plainMeasure().better === "less");
}
/* A household stays if any of its roofs is kept. */
function homeKept(h) {
  for (var n = view.homeStart[h]; n < view.homeStart[h + 1]; n++) { if (view.kept[view.homeRoof[n]]) { return true; } }
  return false;
}
/* At first by what is shown first: the first rows are the first in rank. */
function firstSort() { return tableColumns().some(function (c) { return c[0] === "income_first_year"; }) && valuesKnown("income_first_year") ? "income_first_year" : "energy_kwh"; }
function valuesKnown(key) { var v = valuesOf(key); return Boolean(v) && v.some(function (x) { return x === x; }); }
function sortRows() {
  var rows = [], key = state.sort.key, sign = state.sort.down ? -1 : 1, n, count = ofHomes() ? view.roofOfHome.length : view.roofs.count;
  if (ofHomes()) { view.homeRanks = homeRanks(); } else { view.roofRanks = roofRanks(); }
  if (!tableColumns().some(function (c) { return c[0] === key; })) { key = state.sort.key = firstSort(); }
  for (n = 0; n < count; n++) { if (state.filters.length === 0 || (ofHomes() ? homeKept(n) : view.kept[n])) { rows.push(n); } }
  var values = rows.map(function (r) { return rowValue(key, r); }), place = rows.map(function (r, k) { return k; });
  var numeric = values.length > 0 && typeof values[0] === "number", words_ = numeric ? null : new Intl.Collator(style().html, { numeric: true });
  place.sort(function (a, b) {
    var p = values[a], q = values[b];
    if (numeric) {
      if (p !== p || q !== q) { return (p !== p) - (q !== q) || a - b; }
      return sign * (p - q) || a - b;
    }
    return sign * words_.compare(p, q) || a - b;
  });
  order = place.map(function (k) { return rows[k]; });
}
function tableWords() {
  if (!ofHomes()) { return filled("said_roofs", { count: number(order.length, 0) }); }
  var halls = 0, own = view.ledger ? tables.households.own : null;
  if (own) { order.forEach(function (h) { halls += own[h] ? 1 : 0; }); }
  return filled(halls ? "said_homes_halls" : "said_homes", { count: number(order.length - halls, 0), halls: number(halls, 0) });
}
function table() {
  sortRows();
  var holder = box("table-box"), scroll = element("div", null, { id: "scroll", tabindex: "0", role: "region", "aria-label": text("table") });
  holder.appendChild(tableBar());
  var grid = element("table", null, { id: "grid", "aria-rowcount": order.length + 1 }), head = element("tr"), top = element("thead");
  head.appendChild(element("th", null, { scope: "col" })).appendChild(element("span", text("on_list"), { "class": "hide" }));
  tableColumns().forEach(function (column) {
    var key = column[0], unit = key === "rank" ? "" : unitOf(key), cell_ = element("th", null, { scope: "col", "class": column[1] === "n" ? "n" : "" });
    var on = state.sort.key === key;
    cell_.setAttribute("aria-sort", on ? (state.sort.down ? "descending" : "ascending") : "none");
    cell_.appendChild(button(text(key) + (unit ? " (" + unit + ")" : "") + (on ? (state.sort.down ? " ▼" : " ▲") : ""), function () {
      state.sort = { key: key, down: state.sort.key === key ? !state.sort.down : column[1] === "n" && key !== "rank" };
      state.active = 0;
      table(); remember(true);
      document.querySelector('#grid [data-sort="' + key + '"]').focus();
    }, { "data-sort": key, title: key === "rank" ? filled("rank_by", { measure: text(rankedKey()) }) : text(key) }));
    head.appendChild(cell_);
  });
  top.appendChild(head); grid.appendChild(top); grid.appendChild(element("tbody"));
  grid.insertBefore(element("caption", tableWords(), { id: "homes" }), grid.firstChild);
  scroll.appendChild(grid); holder.appendChild(scroll);
  scroll.addEventListener("scroll", tableRows);
  scroll.addEventListener("keydown", tableKey);
  tableRows();
}
/* Households or roofs, and the first so many of them onto the list. */
function tableBar() {
  var bar = element("div", null, { id: "table-bar" });
  ["homes", "roofs"].forEach(function (name) {
    bar.appendChild(button(text("rows_" + name), function () { state.rows = name; state.active = 0; table(); remember(true); document.querySelector('[data-rows="' + name + '"]').focus(); }, { "data-rows": name, "aria-pressed": String(state.rows === name) }));
  });
  var line = element("label", null, { "class": "first" }), input = element("input", null, { type: "number", id: "first-count", min: 1, step: 1, value: view.firstCount || 10 });
  input.addEventListener("input", function () { view.firstCount = input.value; });
  line.appendChild(element("span", text("tick_first"))); line.appendChild(input);
  bar.appendChild(line);
  bar.appendChild(button(text("tick_them"), function () {
    var roofs = [], count = Math.max(0, Math.floor(Number(input.value) || 0));
    order.slice(0, count).forEach(function (n) { (ofHomes() ? view.roofsOfHome(n) : [n]).forEach(function (i) { roofs.push(i); }); });
    tick(roofs, true);
  }, { id: "tick-first" }));
  return bar;
}
function tableRows() {
  var scroll = document.getElementById("scroll");
  if (!scroll || !order) { return; }
  var first = Math.max(0, Math.floor(scroll.scrollTop / ROW) - 6), last = Math.min(order.length, first + Math.ceil((scroll.clientHeight || 240) / ROW) + 14);
  var body = scroll.querySelector("tbody"), caption = document.getElementById("homes"), words_ = tableWords(), columns = tableColumns();
  if (caption.textContent !== words_) { caption.textContent = words_; document.getElementById("grid").setAttribute("aria-rowcount", order.length + 1); }
  while (body.firstChild) { body.removeChild(body.firstChild); }
  body.appendChild(spacer(first, columns.length));
  for (var n = first; n < last; n++) { body.appendChild(tableRow(n, columns)); }
  body.appendChild(spacer(order.length - last, columns.length));
}
/* Ticks of the rows in sight; the rows stay, and with them the focus. */
function tickRows() {
  document.querySelectorAll("#grid tbody input[type=checkbox]").forEach(function (input) { input.checked = isTicked(roofsOfRow(Number(input.getAttribute("data-row")))); });
}
function isTicked(roofs) { return roofs.length > 0 && roofs.every(function (i) { return state.ticked.has(i); }); }
function spacer(rows, wide) {
  var line = element("tr", null, { "aria-hidden": "true", "class": "spacer" }), hold = element("td", null, { colspan: wide + 1 });
  hold.style.height = rows * ROW + "px"; hold.style.padding = "0";
  line.appendChild(hold);
  line.hidden = rows === 0;
  return line;
}
function roofsOfRow(n) { return ofHomes() ? view.roofsOfHome(order[n]) : [order[n]]; }
function tableRow(n, columns) {
  var id = order[n], roofs = roofsOfRow(n), line = element("tr", null, { "aria-rowindex": n + 2 });
  line.setAttribute(ofHomes() ? "data-home" : "data-roof", id);
  if (state.chosen >= 0 && roofs.indexOf(state.chosen) >= 0) { line.classList.add("own"); }
  if (n === state.active) { line.classList.add("active"); }
  var tick_ = element("td"), input = element("input", null, { type: "checkbox", tabindex: "-1", "data-row": n, "aria-label": text("on_list") + " " + rowValue("building_id", id) });
  input.checked = isTicked(roofs); input.disabled = !roofs.length;
  input.addEventListener("change", function () { toggleTicks(roofs, input.checked); });
  tick_.appendChild(input); line.appendChild(tick_);
  columns.forEach(function (column) {
    var value = rowValue(column[0], id), rule = column[0] === "rank" ? 0 : field(column[0]).one;
    var told = column[1] === "n" ? (known(value) ? number(value, rule) : "–") : value, cell_ = element("td", told, { "class": column[1] === "n" ? "n" : "" });
    if (column[0] === "reason") { cell_.title = value; }
    line.appendChild(cell_);
  });
  line.addEventListener("click", function (event) { if (event.target !== input) { state.active = n; if (roofs.length) { choose(roofs[0], true); } } });
  return line;
}
function tableKey(event) {
  var step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
  if (event.target.tagName === "BUTTON" || event.target.tagName === "INPUT" || !order.length) { return; }
  var roofs = roofsOfRow(state.active);
  if (step) { state.active = Math.min(Math.max(state.active + step, 0), order.length - 1); }
  else if (event.key === "Home") { state.active = 0; }
  else if (event.key === "End") { state.active = order.length - 1; }
  else if (event.key === "Enter") { if (roofs.length) { choose(roofs[0], true); } }
  else if (event.key === " ") { if (roofs.length) { toggleTicks(roofs, !isTicked(roofs)); } }
  else { return; }
  event.preventDefault();
  reveal(state.active);
  var id = order[state.active], income = rowValue("income_first_year", id);
  say(rowValue(ofHomes() ? "household_id" : "building_id", id) + ", " + text("income_first_year") + " " + shown("income_first_year", income));
}
function reveal(n) {
  var scroll = document.getElementById("scroll"), head = 60;
  if (n * ROW < scroll.scrollTop) { scroll.scrollTop = n * ROW; }
  if ((n + 1) * ROW + head > scroll.scrollTop + scroll.clientHeight) { scroll.scrollTop = (n + 1) * ROW + head - scroll.clientHeight; }
  tableRows();
}
/* The chosen roof's household comes into sight. */
function followTable() {
  if (state.chosen < 0 || !order) { tableRows(); return; }
  var homes = homesOf(state.chosen), at = ofHomes() ? (homes.length ? order.indexOf(homes[0]) : -1) : order.indexOf(state.chosen);
  if (at >= 0) { state.active = at; reveal(at); } else { tableRows(); }
}
