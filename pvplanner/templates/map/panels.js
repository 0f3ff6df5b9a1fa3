/* The panel beside the map: card, legend, totals, sliders, filters, list. */
function box(id) { var node = document.getElementById(id); node.replaceChildren(); return node; }
function button(words_, act, attributes) {
  var node = element("button", words_, Object.assign({ type: "button" }, attributes || {}));
  node.addEventListener("click", act);
  return node;
}
function homesOf(i) { return Array.from(tables.links.home.subarray(view.linkStart[i], view.linkStart[i + 1])); }

function card() {
  var holder = box("card"), i = state.chosen;
  holder.hidden = i < 0;
  if (i < 0) { return; }
  var id = textAt(tables.roofs.building_id, i);
  holder.appendChild(button(text("close"), function () { choose(-1); }, { "class": "close" }));
  holder.appendChild(element("h2", text("building_id") + " " + id, { id: "card-head", tabindex: "-1" }));
  var tick = element("label", null, { "class": "tick" }), input = element("input", null, { type: "checkbox", id: "card-tick" });
  input.checked = state.ticked.has(i);
  input.addEventListener("change", function () { toggleTick(i, input.checked); });
  tick.appendChild(input); tick.appendChild(element("span", text("on_list"))); holder.appendChild(tick);
  var table = element("table");
  data.card.forEach(function (key) {
    var column = tables.roofs[key];
    if (FROM_MONEY.indexOf(key) >= 0 && view.live[key]) { row(table, text(key), large(key, view.live[key][i])); return; }
    if (!column) { return; }
    if (wanted(key) && known(column[i])) { row(table, text(key), moved(key, column[i], tables.other[key][i])); return; }
    if (column.length === undefined || typeof column[0] === "string") {
      var said = textAt(column, i);
      if (said) { row(table, text(key), ["village", "hamlet"].indexOf(key) >= 0 ? said : words(key === "source" ? "source_" + said : said)); }
    } else if (known(column[i])) { row(table, text(key), key === "usable_area_m2" ? usable(i) : large(key, column[i])); }
  });
  if (tables.roofs.why && data.why[state.language][tables.roofs.why[i]]) { row(table, text("why_phase"), data.why[state.language][tables.roofs.why[i]]).setAttribute("data-why", ""); }
  holder.appendChild(table);
  months(holder, i);
  planesTable(holder, i);
  owners(holder, i);
  document.getElementById("side").scrollTop = 0;
}
/* A number and what it is in the other scenario; one number where both are alike. */
function moved(key, here, there) { var a = shown(key, here), b = shown(key, there); return a === b ? a : a + " → " + b; }
function usable(i) {
  var r = tables.roofs, low = r.usable_area_low_m2, high = r.usable_area_high_m2;
  if (!low || !known(low[i])) { return shown("usable_area_m2", r.usable_area_m2[i]); }
  return number(low[i], 0) + " – " + number(r.usable_area_m2[i], 0) + " – " + shown("usable_area_m2", high[i]);
}
function months(holder, i) {
  var values = [];
  for (var n = 1; n <= 12; n++) { var column = tables.roofs["energy_kwh_" + (n < 10 ? "0" : "") + n]; if (column) { values.push(column[i]); } }
  if (values.length < 12 || !(tables.roofs.modules[i] > 0)) { return; }
  holder.appendChild(element("h3", text("months")));
  holder.appendChild(barChart(values, values.map(function (v, k) { return String(k + 1); }), text("months")));
}
/* Of the modules where there are some: rows on a level roof lean. */
function leaning(name, p) { var own = tables.planes["module_" + name]; return own && known(own[p]) ? own[p] : tables.planes[name][p]; }
function planesTable(holder, i) {
  if (!view.planes) { return; }
  var table = element("table", null, { "class": "grid" }), head = element("tr");
  var margin = tables.planes.marginal_payback_years;
  ["surface_tilt", "surface_azimuth", "usable_area_m2", "modules", "yield_share"].concat(margin ? ["marginal_payback_years"] : []).forEach(function (key) { head.appendChild(element("th", headWords(key), { scope: "col" })); });
  table.appendChild(head);
  for (var p = view.planeStart[i]; p < view.planeStart[i + 1]; p++) {
    var line = element("tr");
    [number(leaning("surface_tilt", p), 0) + "°", number(leaning("surface_azimuth", p), 0) + "°",
      shown("usable_area_m2", tables.planes.usable_area_m2[p]), number(tables.planes.modules[p], 0),
      known(tables.planes.yield_share[p]) ? number(tables.planes.yield_share[p], "p0") : "–"].concat(margin ? [known(margin[p]) ? number(margin[p], 1) : "–"] : []).forEach(function (said) { line.appendChild(element("td", said)); });
    table.appendChild(line);
  }
  holder.appendChild(element("h3", text("planes")));
  holder.appendChild(table);
}
function owners(holder, i) {
  homesOf(i).forEach(function (h) {
    var homes = tables.households, name = data.personal ? textAt(homes[data.personal.name], h) : "";
    holder.appendChild(element("h3", text("household_id") + " " + textAt(homes.household_id, h) + (name ? " " + name : "")));
    var table = element("table");
    var poor = data.personal ? data.personal.poor : "";
    if (poor && textAt(homes[poor], h)) { row(table, text(poor), text(textAt(homes[poor], h))); }
    (data.personal ? data.personal.facts : []).forEach(function (key) { if (homes[key] && known(homes[key][h])) { row(table, text(key), shown(key, homes[key][h])); } });
    var own = state.model === "plan" ? textAt(homes.model, h) : state.model;
    row(table, text("energy_kwh"), large("energy_kwh", homes.energy_kwh[h]));
    if (known(homes.energy_p90_built_kwh[h])) { row(table, text("energy_p90_built_kwh"), shown("energy_p90_built_kwh", homes.energy_p90_built_kwh[h])); }
    row(table, text("avoided_t"), shown("avoided_t", avoided()[h]));
    holder.appendChild(table);
    if (!(homes.watts[h] > 0)) { return; }
    holder.appendChild(modelTable(h, own));
    why(holder, h, own);
    if (homes.watts[h] > 0 && allowed(homes, h, own) && isLive(own)) {
      var line = cashLine(homes, h, own);
      if (line[line.length - 1] === line[line.length - 1]) {
        holder.appendChild(element("h3", text("cash_line") + text("colon") + text(own)));
        holder.appendChild(lineChart(line, text("cash_line")));
      }
    }
  });
}
/* Why this number: what the first year's income is made of. */
function why(holder, h, own) {
  var parts = firstYear(tables.households, h, own);
  if (!parts.length) { return; }
  holder.appendChild(element("h3", text("why") + text("colon") + text("income_first_year") + ", " + text(own)));
  var table = element("table");
  row(table, text("energy_first_year_kwh"), shown("energy_first_year_kwh", firstMade(tables.households, h)));
  parts.forEach(function (part) {
    // How it is reckoned stands with its name, the amount alone.
    var how = part.quantity ? number(part.quantity, 0) + " " + (data.units[state.language][part.unit] || "") + " × " + number(part.rate, 4) : "";
    row(table, text(part.item), (part.amount > 0 ? "+" : "") + number(part.amount, 2));
    var line = table.lastChild;
    if (how) { line.firstChild.appendChild(element("small", " " + how)); }
    if (part.source !== undefined) { line.title = data.money_sources[state.language][part.source]; }
  });
  holder.appendChild(table);
}
function headWords(key) {
  var unit = data.fields[key] ? unitOf(key) : "";
  return text(key) + (unit && key !== "modules" && key !== "usable_area_m2" ? " (" + unit + ")" : "");
}
function modelTable(h, own) {
  var table = element("table", null, { "class": "grid" }), head = element("tr");
  ["model", "income_first_year", "income_mean", "payback_years"].forEach(function (key) { head.appendChild(element("th", headWords(key), { scope: "col" })); });
  table.appendChild(head);
  data.models.forEach(function (model) {
    var found = oneHome(h, model);
    if (!found) { return; }
    var line = element("tr", null, model === own ? { "class": "own" } : {});
    line.appendChild(element("th", text(model), { scope: "row" }));
    [number(found.first, field("income_first_year").one), number(found.mean, field("income_mean").one), found.capital > 0 ? number(found.payback, field("payback_years").one) : "–"].forEach(function (said) { line.appendChild(element("td", said)); });
    table.appendChild(line);
  });
  return table;
}
function oneHome(h, model) {
  var homes = tables.households;
  if (!allowed(homes, h, model) || !isLive(model) || !modelNow(homes, model).members.has(h)) { return null; }
  var net = flowsOf(homes, h, model), out = { first: [], mean: [], payback: [] };
  useVillage(partOf(homes, h));
  measures(net, 0, out, modelNow(homes, model).made.back(h));
  useVillage(0);
  return { first: out.first[0], mean: out.mean[0], payback: out.payback[0], capital: net[0] < 0 ? -net[0] : 0 };
}

/* What fits, what may be connected now, what this phase builds: never one number for all three. */
function threeTotals() {
  var holder = box("three"), table = element("table", null, { id: "three-totals" }), names = ["total_fits", "total_may", "total_phase", "total_plan"];
  holder.appendChild(element("h2", text("three_totals")));
  data.three.forEach(function (line, n) {
    if (n === 3 && !data.phases) { return; }
    var said = n === 1 && !data.checked ? text("total_unchecked") : [];
    if (typeof said !== "string") {
      if (known(line[0])) { said.push(filled("three_kwp", { value: number(line[0], 0) })); }
      if (known(line[1])) { said.push(filled("three_kw", { value: number(line[1], 0) })); }
      if (known(line[2])) { said.push(number(line[2], 0) + " " + unitOf("households")); }
      said = said.join(style().list);
    }
    var of = n === 2 && data.phases ? " (" + filled("total_of_phase", { phase: data.phases.now, phases: data.phases.count }) + ")" : "";
    row(table, text(names[n]) + of, said).setAttribute("data-three", names[n]);
  });
  holder.appendChild(table);
  phaseSlider();
}
/* A slider over phases: what is built up to then stays, the rest fades; and transformers with their roofs. */
function phaseSlider() {
  var holder = box("phase-box");
  holder.hidden = !data.phases && !data.transformers.length;
  if (data.phases && data.phases.count > 1 && tables.roofs.phase) {
    var now = state.filters.filter(function (f) { return f.key === "phase"; })[0], line = element("label", null, { "class": "slider" }), out = element("output");
    var input = element("input", null, { type: "range", id: "phase-slider", min: 1, max: data.phases.count, step: 1 });
    input.value = now && now.high !== null ? now.high : data.phases.count;
    function told() { out.textContent = Number(input.value) >= data.phases.count ? text("map_all_phases") : filled("phase_slider", { phase: input.value }); }
    input.addEventListener("input", function () {
      var high = Number(input.value);
      told();
      setFilter("phase", high >= data.phases.count ? null : { kind: "range", key: "phase", low: null, high: high });
    });
    told();
    line.appendChild(element("span", text("map_phases"))); line.appendChild(out); line.appendChild(input);
    holder.appendChild(line);
  }
  if (data.hangs_on.length) {
    var more = element("details"), heads = ["varied", "entered", "left_out", "phase_moved", "selected_households"];
    more.appendChild(element("summary", text("report_hangs_on")));
    gridTable(more, "hangs-on", text("hangs_on_note"), heads.map(text), data.hangs_on.map(function (line) {
      return [text("varied_" + line[0])].concat(line.slice(1).map(function (v) { return known(v) ? number(v, 0) : "–"; }));
    }));
    holder.appendChild(more);
  }
  if (data.transformers.length) {
    var tick = element("label", null, { "class": "tick" }), check = element("input", null, { type: "checkbox", id: "show-transformers" });
    check.checked = Boolean(view.zones);
    check.addEventListener("change", function () { view.zones = check.checked; layer.mark(); });
    tick.appendChild(check); tick.appendChild(element("span", text("map_transformers"))); holder.appendChild(tick);
  }
}
function legend() {
  var m = currentMeasure(), holder = box("legend");
  var unit = unitOf(m.key), scale = unit === "%" ? 100 : 1, digits = unit === "%" ? 0 : m.legend;
  holder.appendChild(element("h2", (state.compare ? text("difference") : text("legend")) + text("colon") + text(m.key) + (unit ? " (" + unit + ")" : ""), { id: "legend-head" }));
  m.colours.forEach(function (colour, k) {
    var line = element("div"), low = k === 0 ? null : m.breaks[k - 1], high = k === m.breaks.length ? null : m.breaks[k];
    line.appendChild(element("span", "", { "class": "swatch", style: "background:" + colour }));
    var said = m.kinds ? (m.key === "phase" ? filled("phase_later", { phase: m.kinds[k] }) : text("phase_" + m.kinds[k])) : m.breaks.length === 0 ? number(m.only * scale, digits)
      : low === null ? "< " + number(high * scale, digits) : high === null ? "≥ " + number(low * scale, digits)
      : number(low * scale, digits) + " – " + number(high * scale, digits);
    if (!m.kinds && k === 0) { said += " · " + text(m.low); }
    if (!m.kinds && k === m.colours.length - 1 && k > 0) { said += " · " + text(m.high); }
    line.appendChild(element("span", said));
    holder.appendChild(line);
  });
  var none = element("div");
  none.appendChild(element("span", "", { "class": "swatch", style: "background:" + data.empty }));
  none.appendChild(element("span", text("no_modules")));
  holder.appendChild(none);
}
function totals() {
  var rows = counted(), found = totalsNow(rows), holder = box("totals"), kept = 0, i;
  for (i = 0; i < view.kept.length; i++) { kept += view.kept[i]; }
  holder.appendChild(element("h2", rows.all ? text("totals") : text("totals_shown")));
  if (!rows.all) {
    holder.appendChild(element("p", filled("said_part", { shown: number(rows.length, 0), kept: number(kept, 0), all: number(view.roofs.count, 0) }), { "class": "small" }));
    holder.appendChild(button(text("whole_village"), wholeVillage, { id: "whole" }));
  }
  var table = element("table"), other = state.compare ? otherSums(rows) : {};
  data.totals.forEach(function (key) {
    if (found[key] === undefined || (FROM_MONEY.indexOf(key) >= 0 && !known(found[key]))) { return; }
    var there = other[key] === undefined ? "" : shown(key, other[key], "whole");
    var said = large(key, found[key], "whole") + (there && there !== shown(key, found[key], "whole") ? " → " + there : "");
    row(table, text(key), said).setAttribute("data-total", key);
    table.lastChild.setAttribute("data-value", String(found[key]));
  });
  holder.appendChild(table);
  if (found.left) { holder.appendChild(element("p", filled("said_left", { count: number(found.left, 0) }), { "class": "small", id: "left" })); }
  var now = situation();
  if (changed() || state.filters.length || state.compare) { holder.appendChild(element("p", now, { "class": "small", id: "situation" })); }
  document.getElementById("print-situation").textContent = now;
  var chart = box("histogram");
  chart.appendChild(element("h2", text("histogram")));
  chart.appendChild(histogramChart(rows));
}

function otherSums(rows) {
  var out = {};
  ["modules", "capacity_kwp", "energy_kwh", "income_first_year", "avoided_t"].forEach(function (key) {
    if (!wanted(key) || !tables.other[key]) { return; }
    out[key] = 0;
    rows.forEach(function (i) { if (tables.other[key][i] === tables.other[key][i]) { out[key] += tables.other[key][i]; } });
  });
  return out;
}
function wholeVillage() {
  map.fitBounds([[data.bounds[1], data.bounds[0]], [data.bounds[3], data.bounds[2]]], { padding: [12, 12], animate: false });
}

var SLIDERS = ["export_price", "mechanism_share", "capex_per_w", "self_use_price", "factor"];
function sliderRange(key) {
  var fixed = engine.rates.price_fixed[0], market = engine.rates.price_market[0], year = known(fixed) && known(market) ? fixed + market : NaN;
  var capex = engine.rates.capex_per_w[0], home = engine.rates.self_use_price[0];
  if (key === "export_price") { return known(year) ? { value: year, low: 0, high: 1.2, step: 0.001 } : null; }
  if (key === "mechanism_share") { return engine.mechanism ? { value: engine.mechanism.share, low: 0, high: 1, step: 0.01 } : null; }
  if (key === "capex_per_w") { return engine.known ? { value: capex, low: 0.5, high: Math.max(8, 2 * capex), step: 0.05 } : null; }
  if (key === "self_use_price") { return known(home) ? { value: home, low: 0, high: 1.5, step: 0.001 } : null; }
  return known(engine.factor) ? { value: engine.factor, low: 0, high: 1.2, step: 0.001 } : null;
}
function sliders() {
  var holder = box("sliders");
  SLIDERS.forEach(function (key) {
    var range = sliderRange(key);
    if (!range) { return; }
    var line = element("label", null, { "class": "slider" }), out = element("output"), value = state.settings[key] !== undefined ? state.settings[key] : range.value;
    var input = element("input", null, { type: "range", id: "slider-" + key, min: range.low, max: range.high, step: range.step });
    input.value = value;
    function told() { var set = state.settings[key]; out.textContent = settingWords(key, set !== undefined ? set : range.value) + (set === undefined ? " · " + text(plannedWords(key)) : ""); }
    // One price for all years leaves the mechanism nothing to share.
    input.disabled = key === "mechanism_share" && state.settings.export_price !== undefined;
    input.addEventListener("input", function () {
      state.settings[key] = Number(input.value); notCompared(); told();
      var share = document.getElementById("slider-mechanism_share");
      if (share) { share.disabled = state.settings.export_price !== undefined; }
      later();
    });
    line.appendChild(element("span", text("slider_" + key))); line.appendChild(out); line.appendChild(input);
    told();
    holder.appendChild(line);
  });
  holder.appendChild(button(text("as_planned"), function () { state.settings = {}; sliders(); update(); }, { id: "reset" }));
  caseTable(holder);
  breakEvenTable(holder);
}
/* A small table: heads, and rows of cells of which the first names the row. */
function gridTable(holder, id, title, heads, rows) {
  var table = element("table", null, { "class": "grid", id: id }), top = element("tr");
  heads.forEach(function (words) { top.appendChild(element("th", words, { scope: "col" })); });
  table.appendChild(top);
  rows.forEach(function (cells) {
    var line = element("tr");
    cells.forEach(function (cell, n) { line.appendChild(n ? element("td", cell) : element("th", cell, { scope: "row" })); });
    table.appendChild(line);
  });
  holder.appendChild(element("h3", title));
  holder.appendChild(table);
}
/* The plan's own six price cases, side by side. */
function caseTable(holder) {
  if (!data.cases.length) { return; }
  var keys = ["income_first_year", "income_mean", "npv"];
  gridTable(holder, "cases", text("report_cases"), [text("price_case")].concat(keys.map(headWords), text("households_losing")),
    data.cases.map(function (row) {
      var sums = keys.map(function (key) { return known(row[key]) ? number(row[key], field(key).whole) : "–"; });
      return [text("case_" + row.case)].concat(sums, number(row.households_losing, 0));
    }));
}
/* How far price, yield and cost may move until the plan pays no more; of several villages each. */
function breakEvenTable(holder) {
  var several = engines.length > 1, keys = ["npv", "cover_1", "cover_1_2"];
  var heads = [text("moved"), text("break_even_worth"), text("break_even_cover_1"), text("break_even_cover_1_2")];
  gridTable(holder, "break-even", text("report_break_even"), heads, data.break_even.map(function (row) {
    var name = (several ? row.village + text("colon") : "") + text("moved_" + row.moved);
    return [name].concat(keys.map(function (key) {
      return known(row[key]) ? (row[key] > 1 ? "+" : "") + number(row[key] - 1, data.rate_rule) : "–";
    }));
  }));
  holder.appendChild(element("p", text("break_even_note"), { "class": "small" }));
}
/* A price that is one number here may be tiers, or change over the years, in the plan. */
function plannedWords(key) {
  if (key === "self_use_price" && engine.tiers) { return "planned_tiers"; }
  var price = engine.rates.price_fixed.map(function (v, y) { return v + engine.rates.price_market[y]; });
  return key === "export_price" && price.some(function (v) { return Math.abs(v - price[0]) > 1e-9; }) ? "planned_years" : "as_planned";
}
function settingWords(key, value) { return key === "mechanism_share" ? number(value, "p0") : number(value, 3); }
/* What stands behind the numbers of now: model, prices, filters, the other scenario. */
function situation() {
  var said = [text("model") + text("colon") + (state.model === "plan" ? text("as_planned") : text(state.model))];
  Object.keys(state.settings).forEach(function (key) {
    // One price for all years leaves the mechanism nothing to share.
    if (key === "mechanism_share" && state.settings.export_price !== undefined) { return; }
    said.push(text("slider_" + key) + text("colon") + settingWords(key, state.settings[key]));
  });
  state.filters.forEach(function (f) {
    var scale = isShare(f.key) ? 100 : 1, unit = unitOf(f.key);
    said.push(text(f.key) + text("colon") + (f.kind === "word" ? (f.key === "hamlet" ? f.value : text(f.value)) : f.kind === "poor" ? text("yes")
      : (f.low !== null ? "≥ " + f.low * scale + " " + unit : "") + (f.high !== null ? " ≤ " + f.high * scale + " " + unit : "")));
  });
  if (state.compare) { said.push(text("difference") + text("colon") + data.compare + " − " + data.name); }
  return said.join(style().parts);
}
function notCompared() {
  if (!state.compare) { return; }
  state.compare = state.wish = false;
  document.getElementById("compare").checked = false;
}
var waiting = 0;
function later() { if (!waiting) { waiting = requestAnimationFrame(function () { waiting = 0; update(); }); } }

function filters() {
  var holder = box("filters");
  function select(id, words_, options, act) {
    var line = element("label", null, { "class": "line" }), node = element("select", null, { id: id });
    options.forEach(function (o) { node.appendChild(element("option", o[1], { value: o[0] })); });
    line.appendChild(element("span", words_)); line.appendChild(node);
    node.addEventListener("change", function () { act(node.value); });
    holder.appendChild(line);
    return node;
  }
  ["hamlet", "roof_type", "status"].forEach(function (key) {
    var column = tables.roofs[key], names = column.names || Array.from(new Set(Array.from(view.classes, function (k, i) { return textAt(column, i); })));
    names = names.filter(Boolean);
    if (names.length < 2) { return; }
    var now = state.filters.filter(function (f) { return f.key === key; })[0];
    var node = select("filter-" + key, text(key), [["", text("all")]].concat(names.map(function (n) { return [n, key === "hamlet" ? n : text(n)]; })), function (value) {
      setFilter(key, value ? { kind: "word", key: key, value: value } : null);
    });
    if (now) { node.value = now.value; }
  });
  if (data.personal) {
    var poor = data.personal.poor;
    var line = element("label", null, { "class": "line" }), check = element("input", null, { type: "checkbox", id: "filter-" + poor });
    check.checked = state.filters.some(function (f) { return f.kind === "poor"; });
    check.addEventListener("change", function () { setFilter(poor, check.checked ? { kind: "poor", key: poor } : null); });
    line.appendChild(check); line.appendChild(element("span", text(poor))); holder.appendChild(line);
  }
  data.measures.forEach(function (m) {
    if (m.kinds) { return; }
    var now = state.filters.filter(function (f) { return f.kind === "range" && f.key === m.key; })[0] || {}, line = element("div", null, { "class": "line", role: "group", "aria-label": text(m.key) });
    var filterUnit = unitOf(m.key);
    line.appendChild(element("span", text(m.key) + (filterUnit ? " (" + filterUnit + ")" : "")));
    ["low", "high"].forEach(function (end) {
      var scale = isShare(m.key) ? 100 : 1;
      var input = element("input", null, { type: "number", step: "any", id: "filter-" + m.key + "-" + end, "aria-label": text(m.key) + " " + text(end === "low" ? "at_least" : "at_most"), placeholder: text(end === "low" ? "at_least" : "at_most") });
      if (known(now[end])) { input.value = now[end] * scale; }
      input.addEventListener("change", function () {
        var f = state.filters.filter(function (g) { return g.kind === "range" && g.key === m.key; })[0] || { kind: "range", key: m.key, low: null, high: null };
        f[end] = input.value === "" ? null : Number(input.value) / scale;
        setFilter(m.key, f.low === null && f.high === null ? null : f);
      });
      line.appendChild(input);
    });
    holder.appendChild(line);
  });
  document.querySelector("#filter-box summary").textContent = text("filters") + (state.filters.length ? " (" + state.filters.length + ")" : "");
  holder.appendChild(button(text("no_filter"), function () { state.filters = []; filters(); update(); }, { id: "no-filter" }));
}
function setFilter(key, filter) {
  state.filters = state.filters.filter(function (f) { return f.key !== key; });
  if (filter) { state.filters.push(filter); }
  document.querySelector("#filter-box summary").textContent = text("filters") + (state.filters.length ? " (" + state.filters.length + ")" : "");
  update();
  say(filled("said_kept", { count: number(counted().length, 0) }));
}

function list() {
  var holder = box("list"), rows = Array.from(state.ticked);
  holder.appendChild(element("h2", text("list") + text("colon") + number(rows.length, 0), { id: "list-head" }));
  rows.slice(0, 200).forEach(function (i) {
    var line = element("div", null, { "class": "listed" });
    line.appendChild(button(textAt(tables.roofs.building_id, i), function () { choose(i, true); }));
    line.appendChild(button("×", function () { toggleTick(i, false); }, { "aria-label": text("off_list") + " " + textAt(tables.roofs.building_id, i) }));
    holder.appendChild(line);
  });
  var save = button(text("export_csv"), exportCsv, { id: "export" });
  save.disabled = rows.length === 0;
  holder.appendChild(save);
}
function toggleTick(i, on) {
  if (on) { state.ticked.add(i); } else { state.ticked.delete(i); }
  list(); layer.mark(); tableRows();
  var input = document.getElementById("card-tick");
  if (input && state.chosen === i) { input.checked = on; }
  say(text("list") + text("colon") + number(state.ticked.size, 0));
}
/* A cell that a spreadsheet takes for text: quoted, and never a formula. */
function cell(value) {
  var said = value === null || value === undefined || (typeof value === "number" && value !== value) ? "" : String(value);
  if (typeof value !== "number" && /^[\s]*[=+\-@\t\r|%]/.test(said)) { said = "'" + said; }
  return '"' + said.replace(/"/g, '""') + '"';
}
function csvText() {
  var keys = data.csv.filter(function (k) { return valuesOf(k); });
  var heads = [text("building_id"), text("household_id")].concat(data.personal ? [text(data.personal.name)] : []).concat(keys.map(function (k) {
    var unit = unitOf(k); return text(k) + (unit ? " (" + unit + ")" : "");
  }));
  var lines = [heads.map(cell).join(",")];
  state.ticked.forEach(function (i) {
    var homes = homesOf(i), names = homes.map(function (h) { return textAt(tables.households.household_id, h); }).join("; ");
    var own = data.personal ? [homes.map(function (h) { return textAt(tables.households[data.personal.name], h); }).join("; ")] : [];
    lines.push([textAt(tables.roofs.building_id, i), names].concat(own).concat(keys.map(function (k) { return valuesOf(k)[i]; })).map(cell).join(","));
  });
  // What the numbers stand for, below them, so that a sheet that travels alone explains itself.
  lines.push("", [text("village"), data.name].map(cell).join(","), [text("assumed"), situation()].map(cell).join(","));
  data.notes.forEach(function (note) { lines.push([text("note"), text(note)].map(cell).join(",")); });
  return "\ufeff" + lines.join("\r\n") + "\r\n";
}
function exportCsv() {
  var link = element("a", null, { download: (data.name.replace(/[^\w\u4e00-\u9fff-]+/g, "_").slice(0, 60) || "pvplanner") + (data.personal ? "-internal" : "") + ".csv" });
  link.href = URL.createObjectURL(new Blob([csvText()], { type: "text/csv;charset=utf-8" }));
  document.body.appendChild(link); link.click(); link.remove();
  setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
}
