/* Legend, totals and the plan's three totals. */
function swatch(k, scale) {
  var look = k in SIGN_LOOKS ? SIGN_LOOKS[k] : null, colour = look ? look.fill : scale, box_ = element("span", null, { "class": "swatch", "data-class": k });
  var picture = drawing("svg", { viewBox: "0 0 26 15", width: 26, height: 15, "aria-hidden": "true" });
  picture.appendChild(drawing("rect", { x: 0, y: 0, width: 26, height: 15, fill: colour }));
  if (look && look.line) { picture.appendChild(drawing("path", { d: "M-3 15 L12 0 M5 15 L20 0 M13 15 L28 0 M21 15 L36 0", stroke: look.line, "stroke-width": 1.4 })); }
  if (look && look.dot) { [5, 13, 21].forEach(function (x) { picture.appendChild(drawing("circle", { cx: x, cy: 7.5, r: 2, fill: look.dot })); }); }
  if (!look) { box_.style.background = colour; }
  box_.appendChild(picture);
  return box_;
}
function classCounts() {
  var out = {};
  for (var i = 0; i < view.classes.length; i++) { if (view.kept[i]) { out[view.classes[i]] = (out[view.classes[i]] || 0) + 1; } }
  return out;
}
/* Least and greatest of what is kept, of houses and of halls. */
function extremes(hall) {
  var low = Infinity, high = -Infinity;
  for (var i = 0; i < view.classes.length; i++) {
    var v = view.values ? view.values[i] : NaN;
    if (!view.kept[i] || view.own[i] >= NOTHING || v !== v || (hall !== null && Boolean(isHall(i)) !== hall)) { continue; }
    low = Math.min(low, v); high = Math.max(high, v);
  }
  return low <= high ? [low, high] : null;
}
function legendLine(holder, k, colour, said, count) {
  var line = element("div");
  line.appendChild(swatch(k, colour));
  line.appendChild(element("span", said));
  line.appendChild(element("span", number(count || 0, 0), { "class": "count", "data-count": k }));
  holder.appendChild(line);
}
function legendScale(holder, m, scale, first, title, hall, counts) {
  if (!scale) { return; }
  if (title) { holder.appendChild(element("h3", title)); }
  var range = extremes(hall), last = scale.colours.length - 1;
  scale.colours.forEach(function (colour, k) {
    if (!range && !scale.breaks.length && !counts[first + k]) { return; }
    var said = classWords(m, scale, k, range);
    if (last > 0 && (k === 0 || k === last)) { said += " · " + text(k === 0 ? "fewer" : "more"); }
    legendLine(holder, first + k, colour, said, counts[first + k]);
  });
  if (range && scale.breaks.length) {
    holder.appendChild(element("p", filled("legend_range", { low: shown(m.key, range[0]), high: shown(m.key, range[1]) }), { "class": "small", "data-range": first }));
  }
}
function legend() {
  var m = currentMeasure(), holder = box("legend"), unit = unitOf(m.key), counts = classCounts(), apart = differs(m.key);
  holder.appendChild(element("h2", (apart ? text("difference") : text("legend")) + text("colon") + text(m.key) + (unit ? " (" + unit + ")" : ""), { id: "legend-head" }));
  if (m.kinds) {
    m.colours.forEach(function (colour, k) { legendLine(holder, k, colour, m.key === "phase" ? filled("phase_later", { phase: m.kinds[k] }) : text("phase_" + m.kinds[k]), counts[k]); });
  } else if (apart) { apartLegend(holder, m, counts); }
  else {
    var both = m.houses && m.halls;
    legendScale(holder, m, m.houses, 0, both ? text("legend_houses") : "", both ? false : null, counts);
    legendScale(holder, m, m.halls, HALL, both ? text("legend_halls") : "", both ? true : null, counts);
  }
  [NONE, UNKNOWN, NEVER, NOTHING].forEach(function (k) {
    if (counts[k] || k === NONE) { legendLine(holder, k, "", text(SIGNS[k]), counts[k]); }
  });
  if (comparing() && !apart) { holder.appendChild(element("p", text("not_compared"), { "class": "small" })); }
  if (state.filters.length) {
    var away = 0;
    for (var i = 0; i < view.kept.length; i++) { away += 1 - view.kept[i]; }
    holder.appendChild(element("p", filled("legend_away", { count: number(away, 0) }), { "class": "small" }));
  }
}
function apartLegend(holder, m, counts) {
  var digits = legendDigits([shortNumber(m.step * (unitOf(m.key) === "%" ? 100 : 1))]), times = unitOf(m.key) === "%" ? 100 : 1, range = extremes(null);
  function said(v) { return (v > 0 ? "+" : "") + number(shortNumber(v * times), digits); }
  var scale = m.houses, s = m.step;
  var labels = scale.breaks.length ? ["< " + said(-2 * s), said(-2 * s) + " – " + said(-s), said(-s) + " – 0", text("no_difference"), "0 – " + said(s), said(s) + " – " + said(2 * s), "≥ " + said(2 * s)] : [text("no_difference")];
  scale.colours.forEach(function (colour, k) { legendLine(holder, k, colour, labels[k], counts[k]); });
  if (range) { holder.appendChild(element("p", filled("legend_range", { low: shown(m.key, range[0]), high: shown(m.key, range[1]) }), { "class": "small" })); }
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
  layersBox();
}
function tickBox(holder, id, said, on, act) {
  var tick = element("label", null, { "class": "tick" }), check = element("input", null, { type: "checkbox", id: id });
  check.checked = Boolean(on);
  check.addEventListener("change", function () { act(check.checked); remember(true); });
  tick.appendChild(check); tick.appendChild(element("span", said)); holder.appendChild(tick);
  return check;
}
/* What can lie over the roofs: phases, transformers with their zones, hamlets, reasons; each with its totals. */
function layersBox() {
  var holder = box("phase-box");
  phaseSlider(holder);
  tickBox(holder, "show-fill", text("map_fill"), state.fill, function (on) { state.fill = on; layer.draw(); });
  if (data.transformers.length) { tickBox(holder, "show-transformers", text("map_transformers"), view.zones, function (on) { view.zones = on; layer.mark(); layerTables(); }); }
  if (view.hamletNames.length > 1) { tickBox(holder, "show-hamlets", text("map_hamlets"), view.hamlets, function (on) { view.hamlets = on; layer.mark(); layerTables(); }); }
  if (view.reasons.length) { tickBox(holder, "show-why", text("map_why"), view.whyNot, function (on) { view.whyNot = on; layer.draw(); layerTables(); }); }
  holder.appendChild(element("div", null, { id: "layer-tables" }));
  layerTables();
}
function layerTables() {
  var holder = box("layer-tables");
  if (data.phases && tables.roofs.phase) { phaseTable(holder); }
  if (view.zones) { transformerTable(holder); }
  if (view.hamlets) { hamletTable(holder); }
  if (view.whyNot) { whyTable(holder); }
}
function transformerTable(holder) {
  gridTable(holder, "transformer-table", text("map_transformers"), [text("transformer_id"), text("roofs"), text("total_fits") + " (" + unitOf("capacity_kw_ac") + ")", text("planned_kw"), text("total_may")],
    data.transformers.map(function (t) {
      var count = 0, planned = 0, power = tables.roofs.capacity_kw_ac;
      for (var i = 0; i < view.roofs.count; i++) { if (view.kept[i] && tables.roofs.modules[i] > 0 && nodeOf(i) === t) { count += 1; planned += power && known(power[i]) ? power[i] : 0; } }
      // Of what is filtered the roofs' own sum; of all the plan's.
      if (!state.filters.length) { planned = t.own_planned_kw; }
      return [t.id, number(count, 0), known(t.own_fits_kw) ? number(t.own_fits_kw, 0) : "–", known(planned) ? number(planned, 0) : "–", known(t.limit_kw) ? number(t.limit_kw, 0) : text("unknown")];
    }));
}
function hamletTable(holder) {
  var by = {}, rows = counted();
  rows.forEach(function (i) { var name = textAt(tables.roofs.hamlet, i); (by[name] = by[name] || []).push(i); });
  gridTable(holder, "hamlet-table", text("map_hamlets"), [text("hamlet"), text("roofs"), text("buildings_with_pv")].concat(["capacity_kwp", "energy_kwh", "income_first_year"].map(headWords)),
    view.hamletNames.filter(function (name) { return by[name]; }).map(function (name) {
      var s = sums(by[name]);
      return [name || text("unknown"), number(by[name].length, 0), number(s.buildings_with_pv, 0), number(s.capacity_kwp, 0), number(s.energy_kwh, field("energy_kwh").whole), number(s.income_first_year, field("income_first_year").whole)];
    }));
}
/* Reasons of the roofs that carry nothing, counted; a click keeps those of one reason. */
function whyTable(holder) {
  var counts = new Map();
  for (var i = 0; i < view.roofs.count; i++) {
    if (view.kept[i] && !(tables.roofs.modules[i] > 0)) { var said = textAt(tables.roofs.status_reason, i); counts.set(said, (counts.get(said) || 0) + 1); }
  }
  holder.appendChild(element("h3", text("map_why")));
  var list_ = element("div", null, { id: "why-list" });
  Array.from(counts).sort(function (a, b) { return b[1] - a[1]; }).forEach(function (pair) {
    var line = element("div", null, { "class": "listed", "data-reason": pair[0] }), at = view.reasons.indexOf(pair[0]);
    line.appendChild(element("span", String(at + 1), { "class": "mark" }));
    line.appendChild(button(pair[0] ? words(pair[0]) : text("reason_unknown"), function () { setFilter("status_reason", { kind: "word", key: "status_reason", value: pair[0] }); filters(); }));
    line.appendChild(element("span", number(pair[1], 0), { "class": "count" }));
    list_.appendChild(line);
  });
  holder.appendChild(list_);
  holder.appendChild(button(text("answer_print"), function () { answerSheet(); }, { id: "answer-sheet" }));
}
/* What each phase builds, and what is left for later or never. */
function phaseTable(holder) {
  var by = {}, phase = tables.roofs.phase;
  counted().forEach(function (i) { var n = known(phase[i]) ? phase[i] : 0; (by[n] = by[n] || []).push(i); });
  gridTable(holder, "phase-table", text("map_phases"), [text("phase"), text("roofs")].concat(["capacity_kwp", "energy_kwh", "income_first_year"].map(headWords)),
    Object.keys(by).map(Number).sort(function (a, b) { return (a || 1e9) - (b || 1e9); }).map(function (n) {
      var s = sums(by[n]);
      return [n ? filled("phase_later", { phase: n }) : text("phase_none"), number(by[n].length, 0), number(s.capacity_kwp, 0), number(s.energy_kwh, field("energy_kwh").whole), known(s.income_first_year) ? number(s.income_first_year, field("income_first_year").whole) : "–"];
    }));
}
/* A slider over phases: what is built up to then stays, the rest fades. */
function phaseSlider(holder) {
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
}

function totals() {
  var rows = counted(), found = totalsNow(rows), holder = box("totals"), inside_ = inWindow(rows);
  holder.appendChild(element("h2", rows.all ? text("totals") : text("totals_kept")));
  if (!rows.all) { holder.appendChild(element("p", filled("said_part", { shown: number(rows.length, 0), kept: number(rows.length, 0), all: number(view.roofs.count, 0) }), { "class": "small" })); }
  totalsTable(holder, rows, found, inside_);
  if (engines.some(function (own) { return own.cooperative.withheld > 0; })) { holder.appendChild(element("p", text("withheld_note"), { "class": "small" })); }
  if (state["case"] === "poor_years" || state["case"] === "together") { holder.appendChild(element("p", text("poor_case_note"), { "class": "small" })); }
  if (found.left) { holder.appendChild(element("p", filled("said_left", { count: number(found.left, 0) }), { "class": "small", id: "left" })); }
  if (inside_.length < rows.length) { holder.appendChild(button(text("whole_village"), wholeVillage, { id: "whole" })); }
  var now = situation();
  if (changed() || state.filters.length || comparing()) { holder.appendChild(element("p", now, { "class": "small", id: "situation" })); }
  document.getElementById("print-situation").textContent = now;
  if (comparing()) { winners(holder, rows); }
  var chart = box("histogram");
  chart.appendChild(element("h2", text("histogram")));
  chart.appendChild(histogramChart());
}
var FROM_COUNTS = ["buildings", "buildings_with_pv", "households", "modules"];
/* One column of what is shown now; beside it what was planned, the other plan, or the window. */
function totalsTable(holder, rows, found, inside_) {
  var table = element("table"), columns = [], second = null, third = null;
  if (comparing()) { second = totalsOther(rows); found = totalsBefore(rows); columns = ["A", "B", "B − A"]; }
  else if (changed()) { second = totalsBefore(rows); columns = [text("as_changed"), text("as_planned")]; }
  else if (inside_.length < rows.length && !view.printing) { third = sums(inside_); columns = [text("totals_all"), text("in_window")]; }
  function told(key, value) { return columns.length ? number(value, field(key).whole) : large(key, value, "whole"); }
  if (comparing()) {
    holder.appendChild(element("p", "A" + text("colon") + data.name, { "class": "small" }));
    holder.appendChild(element("p", "B" + text("colon") + other().name, { "class": "small" }));
  }
  if (columns.length) {
    var head = element("tr");
    head.appendChild(element("td"));
    columns.forEach(function (said) { head.appendChild(element("th", said, { scope: "col" })); });
    table.className = "grid several"; table.appendChild(head);
  }
  data.totals.forEach(function (key) {
    if (found[key] === undefined || (FROM_MONEY.indexOf(key) >= 0 && !known(found[key]))) { return; }
    if (key === "capital" || (comparing() && !known(second[key]))) { return; }
    var several = columns.length > 0, line = figure(table, key, told(key, found[key]));
    if (several && unitOf(key) && FROM_COUNTS.indexOf(key) < 0) { line.firstChild.appendChild(element("small", " " + unitOf(key))); }
    line.setAttribute("data-total", key); line.setAttribute("data-value", String(found[key]));
    var side = second || third;
    if (!several) { return; }
    line.appendChild(element("td", known(side[key]) ? told(key, side[key]) : "–"));
    if (comparing()) {
      var apart = wholeApart(key, found[key], side[key]);
      line.appendChild(element("td", apart === 0 ? text("no_change") : (apart > 0 ? "+" : "") + told(key, apart)));
      line.setAttribute("data-other", String(side[key])); line.setAttribute("data-difference", String(apart));
    }
  });
  capitalRows(table, rows, columns.length, comparing() ? null : inside_.length < rows.length && !changed() ? inside_ : null);
  holder.appendChild(table);
}
/* A difference of wholes as far as they are shown. */
function wholeApart(key, a, b) {
  var rule = field(key).whole, p = rounded(a, rule), q = rounded(b, rule);
  return p[0] === q[0] ? 0 : b - a;
}
/* What is invested, and who pays it. */
function capitalRows(table, rows, columns, inside_) {
  var now = capitalBy(rows, state.model, state.settings), before = columns && changed() ? (rows.all ? data.capital_by : capitalBy(rows, "plan", {})) : null, windowed = inside_ ? capitalBy(inside_, state.model, state.settings) : null;
  var named = rows.all && !changed() ? data.capital_by : now, there = comparing() ? other().capital_by : null, whole = 0, known_ = true;
  Object.keys(named).forEach(function (owner_) { if (known(named[owner_])) { whole += named[owner_]; } else { known_ = false; } });
  function line(key, label_, value, side, mark) {
    function told(v) { return columns ? number(v, field("capital").whole) : large("capital", v, "whole"); }
    var node = row(table, label_, told(value));
    node.setAttribute(mark, key); node.setAttribute("data-value", String(value));
    if (columns) { node.appendChild(element("td", known(side) ? told(side) : "–")); }
    if (columns === 3) { node.appendChild(element("td", known(side) ? (wholeApart("capital", value, side) ? (side > value ? "+" : "") + told(side - value) : text("no_change")) : "–")); }
  }
  if (comparing() && !there) { return; }
  function sumOf(by) { return by ? Object.keys(by).reduce(function (s, k) { return s + by[k]; }, 0) : NaN; }
  var side = there || before || windowed;
  if (!known_ && !whole) { return; }
  line("capital", text("capital_all"), known_ ? whole : NaN, sumOf(side), "data-total");
  Object.keys(Object.assign({}, side || {}, named)).filter(function (owner_) { return named[owner_] > 0 || (side && side[owner_] > 0); }).forEach(function (owner_) {
    line(owner_, text("capital_of") + " " + text("party_" + owner_), named[owner_] || 0, side ? side[owner_] || 0 : NaN, "data-payer");
  });
}
/* Households that gain and lose by the other plan, by what is shown of their income. */
function winners(holder, rows) {
  var key = "income_first_year";
  if (!differs(key)) { return; }
  var own = plannedValues(key), there = otherValues(key), up = 0, down = 0, gained = 0, lost = 0;
  rows.forEach(function (i) {
    var d = apartOf(key, own[i], there[i]);
    if (d > 0) { up += 1; gained += d; } else if (d < 0) { down += 1; lost -= d; }
  });
  holder.appendChild(element("p", filled("winners", { up: number(up, 0), gained: shown(key, gained, "whole"), down: number(down, 0), lost: shown(key, lost, "whole") }), { id: "winners", "class": "small" }));
}
function wholeVillage() { map.fitBounds(view.home, HOME); }
