/* What is shown: measure, model, filters, settings; and the numbers that follow from them. */
var state = { language: data.language, measure: data.measures[0].key, model: "plan", filters: [], settings: {},
  chosen: -1, ticked: new Set(), compare: false, sort: { key: "energy_kwh", down: true }, active: 0 };
var view = { zero: [0, 0], roofs: null, classes: null, ground: [], printing: false };
var tables, money, planMoney;

function plainMeasure() { return data.measures.filter(function (m) { return m.key === state.measure; })[0]; }
function currentMeasure() { return state.compare && view.apart ? view.apart : plainMeasure(); }
function touched() { return Object.keys(state.settings).length > 0; }
function changed() { return touched() || state.model !== "plan"; }
function wanted(key) { return state.compare && data.compared.indexOf(key) >= 0; }
var FROM_MONEY = ["income_first_year", "payback_years", "capital", "avoided_t"];

/* A building's part of what its households get: village/totals.py again. */
function ofRoofs(values, weight, needed) {
  var out = new Float64Array(view.roofs.count).fill(NaN), links = tables.links;
  for (var i = 0; i < out.length; i++) {
    for (var n = view.linkStart[i]; n < view.linkStart[i + 1]; n++) {
      var part = links[weight][n], value = values[links.home[n]];
      if (value !== value || (needed && !(part > 0))) { continue; }
      out[i] = (out[i] === out[i] ? out[i] : 0) + part * value;
    }
  }
  return out;
}
function recompute() {
  var homes = tables.households;
  madeNow = {};
  money = reckon(homes, state.model, state.settings);
  view.live = {};
  if (!changed()) { return; }
  view.live.income_first_year = ofRoofs(money.first, "weight", false);
  view.live.capital = ofRoofs(money.capital, "cost", false);
  view.live.payback_years = ofRoofs(money.payback, "inside", true);
  if (state.settings.factor !== undefined) { view.live.avoided_t = ofRoofs(avoided(), "weight", false); }
}
function avoided() {
  var homes = tables.households, factor = factorOf(state.settings);
  if (state.settings.factor === undefined) { return homes.avoided_t; }
  var out = new Float64Array(homes.energy_kwh.length);
  for (var h = 0; h < out.length; h++) { out[h] = Math.round(homes.energy_kwh[h] * letThrough(homes, h) * (1 - engine.curtailment) * factor) / 1000; }
  return out;
}
function valuesOf(key) { return view.live[key] || tables.roofs[key] || null; }
function shownValues() {
  if (!state.compare) { return valuesOf(state.measure); }
  var own = valuesOf(state.measure), other = tables.other[state.measure], out = new Float64Array(own.length);
  var built = tables.roofs.modules, there = tables.other.modules;
  for (var i = 0; i < out.length; i++) { out[i] = built[i] > 0 || there[i] > 0 ? other[i] - own[i] : NaN; }
  return out;
}
/* Classes of a difference: even steps either side of zero. */
function apartMeasure(values) {
  var sizes = Array.from(values).filter(function (v) { return v === v && v !== 0; }).map(Math.abs).sort(function (a, b) { return a - b; });
  var most = sizes.length ? sizes[Math.floor(sizes.length * 0.9)] : 1, m = plainMeasure(), unit = Math.pow(10, Math.floor(Math.log10(most / 2 || 1)));
  var least = Math.pow(10, -(isShare(m.key) ? 3 : m.digits));
  var step = Math.max(Math.round(most / 2 / unit) * unit, unit, least), even = Math.min(least, step) / 2;
  var colours = data.apart.slice();
  if (m.better === "less") { colours.reverse(); }
  return { key: m.key, better: m.better, digits: m.digits, legend: Math.max(m.legend, -Math.floor(Math.log10(step))), low: "fewer", high: "more",
    breaks: [-2 * step, -step, -even, even, step, 2 * step].map(function (v) { return Number(v.toPrecision(6)); }), colours: colours, only: 0 };
}
function classOf(value, m) {
  if (!(value === value)) { return NONE; }
  if (m.kinds) { return Math.max(m.kinds.indexOf(value), 0); }
  var k = 0;
  while (k < m.breaks.length && value >= m.breaks[k]) { k += 1; }
  return k;
}
function passes(i) {
  return state.filters.every(function (f) {
    if (f.kind === "range") { var v = f.values[i]; return v === v && !(f.low !== null && v < f.low) && !(f.high !== null && v > f.high); }
    if (f.kind === "poor") {
      for (var n = view.linkStart[i]; n < view.linkStart[i + 1]; n++) { if (textAt(tables.households[data.personal.poor], tables.links.home[n]) === "yes") { return true; } }
      return false;
    }
    return textAt(tables.roofs[f.key], i) === f.value;
  });
}
function classify() {
  state.filters.forEach(function (f) { if (f.kind === "range") { f.values = valuesOf(f.key); } });
  var values = shownValues(), modules = tables.roofs.modules, filtered = state.filters.length > 0;
  view.apart = state.compare ? apartMeasure(values) : null;
  var m = currentMeasure();
  view.values = values;
  for (var i = 0; i < view.classes.length; i++) {
    view.kept[i] = !filtered || passes(i) ? 1 : 0;
    view.classes[i] = !view.kept[i] ? FAINT : (state.compare ? values[i] === values[i] : modules[i] > 0) ? classOf(values ? values[i] : NaN, m) : NONE;
  }
}
/* Which roofs the totals count: kept by the filters, their middle in the window. */
function counted() {
  var frame = layer.frame(), box = view.roofs.box, out = [], all = true;
  for (var i = 0; i < view.roofs.count; i++) {
    var x = (box[4 * i] + box[4 * i + 2]) / 2 * frame.scale + frame.x, y = (box[4 * i + 1] + box[4 * i + 3]) / 2 * frame.scale + frame.y;
    var held = view.kept[i] && x >= 0 && y >= 0 && x <= frame.size.x && y <= frame.size.y;
    if (held) { out.push(i); } else { all = false; }
  }
  out.all = all;
  return out;
}
function sums(rows) {
  var out = { buildings: rows.length, buildings_with_pv: 0 }, homes = new Set(), modules = tables.roofs.modules;
  var keys = ["modules", "capacity_kwp", "energy_kwh", "capital", "income_first_year", "avoided_t"];
  keys.forEach(function (key) {
    var values = valuesOf(key), sum = 0, known_ = 0, left = 0;
    if (values) { rows.forEach(function (i) { if (values[i] === values[i]) { sum += values[i]; known_ += 1; } else if (modules[i] > 0) { left += 1; } }); }
    out[key] = known_ || (values && !left) ? sum : NaN;
    if (known_ && FROM_MONEY.indexOf(key) >= 0) { out.left = Math.max(out.left || 0, left); }
  });
  rows.forEach(function (i) {
    if (modules[i] > 0) { out.buildings_with_pv += 1; }
    for (var n = view.linkStart[i]; n < view.linkStart[i + 1]; n++) { homes.add(tables.links.home[n]); }
  });
  var ledger = view.ledger, count = 0;
  homes.forEach(function (h) { if (!ledger || !tables.households.own[h]) { count += 1; } });
  out.households = count;
  return out;
}
/* The plan's own totals while all of it is shown as planned; else the sums of what is shown. */
function totalsNow(rows) {
  var found = sums(rows);
  if (!rows.all) { return found; }
  data.totals.forEach(function (key) {
    var fromMoney = FROM_MONEY.indexOf(key) >= 0;
    if (!fromMoney || !changed()) { found[key] = data.plan_totals[key] === null ? NaN : data.plan_totals[key]; }
  });
  return found;
}
