/* The households beside the map: only the rows in sight are in the page. */
var ROW = 30, order = null;
function tableColumns() {
  return data.list.filter(function (key) { return data.missing.indexOf(key) < 0; })
    .map(function (key) { return [key, field(key).kind === "text" ? "text" : "n"]; });
}
function homeValue(key, h) {
  var homes = tables.households;
  if (key === "building_id") { return view.roofsOfHome[h] || (view.roofOfHome[h] < 0 ? "" : textAt(tables.roofs.building_id, view.roofOfHome[h])); }
  if (key === "capacity_kwp") { return homes.watts[h] / 1000; }
  if (key === "income_first_year") { return money.first[h]; }
  if (key === "payback_years") { return money.payback[h]; }
  var column = homes[key];
  return column instanceof Float64Array ? column[h] : textAt(column, h);
}
function sortHomes() {
  var rows = [], key = state.sort.key, sign = state.sort.down ? -1 : 1, h;
  for (h = 0; h < view.roofOfHome.length; h++) {
    var roof = view.roofOfHome[h];
    if (state.filters.length === 0 || (roof >= 0 && view.kept[roof])) { rows.push(h); }
  }
  var values = rows.length ? rows.map(function (n) { return homeValue(key, n); }) : [];
  var place = rows.map(function (n, k) { return k; });
  var numeric = values.length > 0 && typeof values[0] === "number";
  var words_ = numeric ? null : new Intl.Collator(style().html, { numeric: true });
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
function table() {
  sortHomes();
  var holder = box("table-box"), scroll = element("div", null, { id: "scroll", tabindex: "0", role: "region", "aria-label": text("table") });
  var grid = element("table", null, { id: "grid", "aria-rowcount": order.length + 1 }), head = element("tr"), top = element("thead");
  head.appendChild(element("th", null, { scope: "col" })).appendChild(element("span", text("on_list"), { "class": "hide" }));
  tableColumns().forEach(function (column) {
    var key = column[0], unit = unitOf(key), cell_ = element("th", null, { scope: "col", "class": column[1] === "n" ? "n" : "" });
    var on = state.sort.key === key;
    cell_.setAttribute("aria-sort", on ? (state.sort.down ? "descending" : "ascending") : "none");
    cell_.appendChild(button(text(key) + (unit ? " (" + unit + ")" : "") + (on ? (state.sort.down ? " ▼" : " ▲") : ""), function () {
      state.sort = { key: key, down: state.sort.key === key ? !state.sort.down : column[1] === "n" };
      state.active = 0;
      table();
      document.querySelector('#grid [data-sort="' + key + '"]').focus();
    }, { "data-sort": key }));
    head.appendChild(cell_);
  });
  top.appendChild(head); grid.appendChild(top); grid.appendChild(element("tbody"));
  grid.prepend(element("caption", filled("said_homes", { count: number(order.length, 0) }), { id: "homes" }));
  scroll.appendChild(grid); holder.appendChild(scroll);
  scroll.addEventListener("scroll", tableRows);
  scroll.addEventListener("keydown", tableKey);
  tableRows();
}
function tableRows() {
  var scroll = document.getElementById("scroll");
  if (!scroll || !order) { return; }
  var first = Math.max(0, Math.floor(scroll.scrollTop / ROW) - 6), last = Math.min(order.length, first + Math.ceil((scroll.clientHeight || 240) / ROW) + 14);
  var body = scroll.querySelector("tbody"), caption = document.getElementById("homes"), words_ = filled("said_homes", { count: number(order.length, 0) });
  if (caption.textContent !== words_) { caption.textContent = words_; document.getElementById("grid").setAttribute("aria-rowcount", order.length + 1); }
  body.replaceChildren(spacer(first));
  for (var n = first; n < last; n++) { body.appendChild(tableRow(n)); }
  body.appendChild(spacer(order.length - last));
}
function spacer(rows) {
  var line = element("tr", null, { "aria-hidden": "true", "class": "spacer" }), hold = element("td", null, { colspan: tableColumns().length + 1 });
  hold.style.height = rows * ROW + "px"; hold.style.padding = "0";
  line.appendChild(hold);
  line.hidden = rows === 0;
  return line;
}
function tableRow(n) {
  var h = order[n], roof = view.roofOfHome[h], line = element("tr", null, { "aria-rowindex": n + 2, "data-home": h });
  if (roof >= 0 && roof === state.chosen) { line.classList.add("own"); }
  if (n === state.active) { line.classList.add("active"); }
  var tick = element("td"), input = element("input", null, { type: "checkbox", tabindex: "-1", "aria-label": text("on_list") + " " + homeValue("building_id", h) });
  input.checked = roof >= 0 && state.ticked.has(roof); input.disabled = roof < 0;
  input.addEventListener("change", function () { toggleTick(roof, input.checked); });
  tick.appendChild(input); line.appendChild(tick);
  tableColumns().forEach(function (column) {
    var value = homeValue(column[0], h), rule = field(column[0]).one;
    line.appendChild(element("td", column[1] === "n" ? (known(value) ? number(value, rule) : "–") : value, { "class": column[1] === "n" ? "n" : "" }));
  });
  line.addEventListener("click", function (event) { if (event.target !== input) { state.active = n; if (roof >= 0) { choose(roof, true); } } });
  return line;
}
function tableKey(event) {
  var step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
  if (event.target.tagName === "BUTTON" || !order.length) { return; }
  var roof = view.roofOfHome[order[state.active]];
  if (step) { state.active = Math.min(Math.max(state.active + step, 0), order.length - 1); }
  else if (event.key === "Home") { state.active = 0; }
  else if (event.key === "End") { state.active = order.length - 1; }
  else if (event.key === "Enter") { if (roof >= 0) { choose(roof, true); } }
  else if (event.key === " ") { if (roof >= 0) { toggleTick(roof, !state.ticked.has(roof)); } }
  else { return; }
  event.preventDefault();
  reveal(state.active);
  var h = order[state.active];
  say(homeValue("household_id", h) + ", " + text("income_first_year") + " " + shown("income_first_year", money.first[h]));
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
  var homes = homesOf(state.chosen), at = homes.length ? order.indexOf(homes[0]) : -1;
  if (at >= 0) { state.active = at; reveal(at); } else { tableRows(); }
}
