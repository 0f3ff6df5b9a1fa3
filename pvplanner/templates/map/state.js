/* What is shown: measure, model, filters, settings; and the numbers that follow from them. */
var state = { language: "", measure: data.measures[0].key, model: "plan", "case": "", filters: [], settings: {},
  chosen: -1, ticked: new Set(), other: -1, sort: { key: "", down: true }, rows: "homes", active: 0, fill: true };
var view = { zero: [0, 0], roofs: null, classes: null, ground: [], printing: false, live: {}, unsaid: new Set() };
var tables, money;

function plainMeasure() { return data.measures.filter(function (m) { return m.key === state.measure; })[0]; }
function currentMeasure() { return comparing() && view.apart ? view.apart : view.scales || plainMeasure(); }
function touched() { return Object.keys(state.settings).length > 0; }
function changed() { return touched() || state.model !== "plan" || state["case"] !== ""; }
/* Another plan, or a price case, whose difference from this plan is shown. */
function comparing() { return state.other >= 0; }
function other() { return data.others[state.other]; }
var FROM_MONEY = ["income_first_year", "payback_years", "capital", "avoided_t"];

/* A building's part of what its households get: village/totals.py again. */
function ofRoofs(values, weight, needed) {
  var count = view.roofs.count, out = new Float64Array(count), part = tables.links[weight], homes = tables.links.home, start = view.linkStart;
  for (var i = 0; i < count; i++) {
    var sum = NaN;
    for (var n = start[i]; n < start[i + 1]; n++) {
      var value = values[homes[n]];
      if (value !== value || (needed && !(part[n] > 0))) { continue; }
      sum = (sum === sum ? sum : 0) + part[n] * value;
    }
    // Money to the fen, as the plan's tables have it.
    out[i] = weight === "inside" ? sum : Math.round(sum * 1e6) / 1e6;
  }
  return out;
}
/* Households' money as it is now: of a price case as the plan has it, else reckoned. */
function moneyNow() {
  var homes = tables.households, own = state["case"] && data.case_columns ? state["case"] : "";
  if (own) {
    return { first: homes["first_" + own], mean: homes["mean_" + own], payback: homes["payback_" + own], capital: restMoney().capital };
  }
  return state.model === "plan" && !touched() ? restMoney() : reckon(homes, state.model, state.settings);
}
/* As planned: from the plan where it is packed, else reckoned once. */
function restMoney() {
  var homes = tables.households;
  if (!view.rest) {
    view.rest = data.money_packed ? { first: homes.first_planned, payback: homes.payback_planned } : reckon(homes, "plan", {});
    if (data.money_packed) { Object.defineProperty(view.rest, "capital", { get: function () { return ownCapital(homes); } }); }
  }
  return view.rest;
}
function recompute() {
  madeNow = {};
  money = moneyNow();
  view.live = {};
  if (!changed() && data.money_packed) { return; }
  view.live = liveOf(money);
  if (state.settings.factor !== undefined || state.settings.factor_times !== undefined) { view.live.avoided_t = ofRoofs(avoided(), "weight", false); }
}
function liveOf(made) {
  function fen(values) { return values.map(function (v) { return v === v ? rules.fen(v) : v; }); }
  return { income_first_year: fen(ofRoofs(made.first, "weight", false)), capital: fen(ofRoofs(made.capital, "cost", false)), payback_years: ofRoofs(made.payback, "inside", true) };
}
function avoided() {
  var homes = tables.households, factor = factorOf(state.settings);
  if (factor === engine.factor) { return homes.avoided_t; }
  var out = new Float64Array(homes.energy_kwh.length);
  for (var h = 0; h < out.length; h++) { out[h] = Math.round(homes.energy_kwh[h] * letThrough(homes, h) * (1 - engine.curtailment) * factor) / 1000; }
  return out;
}
function valuesOf(key) { return view.live[key] || tables.roofs[key] || null; }
/* Values of a measure under the model of now before any slider is moved. */
function restValues(key) {
  if (["income_first_year", "payback_years"].indexOf(key) < 0) { return tables.roofs[key]; }
  if (!touched() || state["case"]) { return valuesOf(key); }
  return liveOf(reckon(tables.households, state.model, {}))[key];
}
/* What the plan itself has, whatever is tried. */
function plannedValues(key) { return view.planned && view.planned[key] || tables.roofs[key] || null; }

/* Of a price case money alone differs; it is the households', brought to their roofs. */
function otherValues(key) {
  var told = other(), name = "other" + state.other;
  if (!told["case"]) { return tables[name][key] || plannedValues(key); }
  if (!view[name]) { var homes = tables.households; view[name] = { income_first_year: ofRoofs(homes["first_" + told["case"]], "weight", false), payback_years: ofRoofs(homes["payback_" + told["case"]], "inside", true) }; }
  return view[name][key] || plannedValues(key);
}
function differs(key) { return comparing() && other().compared.indexOf(key) >= 0; }
/* Differences that are smaller than what is shown are none. */
function apartOf(key, a, b) {
  var step = shownStep(key, Math.max(Math.abs(a), Math.abs(b)));
  return Math.abs(b - a) < step / 2 ? 0 : b - a;
}
function shownStep(key, size) {
  var rule = String(field(key).one), share = rule.charAt(0) === "p", bare = share ? rule.slice(1) : rule, step;
  if (bare.charAt(0) === "t") { step = Number(bare.slice(1)); }
  else if (bare.charAt(0) === "u") { step = 1; }
  else if (bare.charAt(0) === "s") { step = Math.pow(10, (size > 0 ? Math.floor(Math.log10(size)) : 0) + 1 - Number(bare.slice(1))); }
  else { step = Math.pow(10, -Number(bare)); }
  return share ? step / 100 : step;
}
function shownValues() {
  var key = state.measure;
  if (!differs(key)) { return valuesOf(key); }
  var own = plannedValues(key), there = otherValues(key), out = new Float64Array(own.length);
  for (var i = 0; i < out.length; i++) { out[i] = apartOf(key, own[i], there[i]); }
  return out;
}
/* Classes of a difference: even steps either side of zero. */
function apartMeasure(values) {
  var m = plainMeasure(), sizes = Float64Array.from(Array.from(values).filter(function (v) { return v === v && v !== 0; }).map(Math.abs)).sort();
  var most = sizes.length ? quantileOf(sizes, 0.9) : 0, step = roundStep(Math.max(most / 2, m.shown)), colours = data.apart.slice();
  if (m.better === "less") { colours.reverse(); }
  var breaks = most > 0 ? [-2 * step, -step, -m.shown / 2, m.shown / 2, step, 2 * step].map(shortNumber) : [];
  return { key: m.key, better: m.better, shown: m.shown, doubt: 0, digits: m.digits, apart: true, step: step,
    houses: { breaks: breaks, colours: breaks.length ? colours : [colours[3]] }, halls: null };
}
function passes(i) {
  return state.filters.every(function (f) {
    if (f.kind === "range") { var v = f.values ? f.values[i] : NaN; return v === v && !(f.low !== null && v < f.low) && !(f.high !== null && v > f.high); }
    if (f.kind === "poor") {
      for (var n = view.linkStart[i]; n < view.linkStart[i + 1]; n++) { if (textAt(tables.households[data.personal.poor], tables.links.home[n]) === "yes") { return true; } }
      return false;
    }
    if (f.kind === "window") { return inBox(i, f.box); }
    if (f.kind === "area") { return inPolygon(f.points, middleOf(i)); }
    return textAt(tables.roofs[f.key], i) === f.value;
  });
}
function middleOf(i) { var b = view.roofs.box; return [(b[4 * i] + b[4 * i + 2]) / 2, (b[4 * i + 1] + b[4 * i + 3]) / 2]; }
function inBox(i, box_) { var at = middleOf(i); return at[0] >= box_[0] && at[1] >= box_[1] && at[0] <= box_[2] && at[1] <= box_[3]; }
function inPolygon(points, at) {
  for (var odd = false, i = 0, j = points.length - 1; i < points.length; j = i++) {
    var p = points[i], q = points[j];
    if ((p[1] > at[1]) !== (q[1] > at[1]) && at[0] < (q[0] - p[0]) * (at[1] - p[1]) / (q[1] - p[1]) + p[0]) { odd = !odd; }
  }
  return odd;
}
/* The map's window, in the world's pixels from the first point. */
function windowBox() {
  var frame = layer.frame();
  return [-frame.x / frame.scale, -frame.y / frame.scale, (frame.size.x - frame.x) / frame.scale, (frame.size.y - frame.y) / frame.scale];
}
/* Why a roof that has modules has no payback: nothing was invested, or it never comes back. */
function signFor(key, value, i) {
  if (value === value) { return -1; }
  if (key !== "payback_years") { return UNKNOWN; }
  var capital = valuesOf("capital"), income = valuesOf("income_first_year");
  if (capital && capital[i] === 0) { return NOTHING; }
  return income && income[i] === income[i] ? NEVER : UNKNOWN;
}
function classNow(i, m, values) {
  if (differs(m.key)) {
    var built = tables.roofs.modules[i] > 0 || otherValues("modules")[i] > 0;
    return built ? (values[i] === values[i] ? classIn(values[i], m.houses.breaks) : UNKNOWN) : NONE;
  }
  if (!(tables.roofs.modules[i] > 0)) { return NONE; }
  var sign = signFor(m.key, values ? values[i] : NaN, i);
  return sign < 0 ? classOf(values[i], m, i) : sign;
}
function classify() {
  state.filters.forEach(function (f) { if (f.kind === "range") { f.values = valuesOf(f.key); } if (f.kind === "window") { f.box = windowBox(); } });
  var values = shownValues(), filtered = state.filters.length > 0;
  view.apart = differs(state.measure) ? apartMeasure(values) : null;
  view.scales = scalesNow(plainMeasure());
  var m = currentMeasure();
  view.values = values;
  view.all = true;
  for (var i = 0; i < view.classes.length; i++) {
    view.kept[i] = !filtered || passes(i) ? 1 : 0;
    if (!view.kept[i]) { view.all = false; }
    view.own[i] = classNow(i, m, values);
    view.classes[i] = view.kept[i] ? view.own[i] : FAINT;
  }
}
/* Which roofs the totals count: kept by the filters. */
function counted() {
  var out = [];
  for (var i = 0; i < view.roofs.count; i++) { if (view.kept[i]) { out.push(i); } }
  out.all = view.all;
  return out;
}
/* Of those, the ones whose middle lies in the window. */
function inWindow(rows) {
  var box_ = windowBox(), out = rows.filter(function (i) { return inBox(i, box_); });
  out.all = rows.all && out.length === rows.length;
  return out;
}
/* Households of some roofs, each once; of public buildings none. */
function homesOfRoofs(rows) {
  var seen = new Uint8Array(view.roofOfHome.length), count = 0, own = view.ledger ? tables.households.own : null;
  rows.forEach(function (i) {
    for (var n = view.linkStart[i]; n < view.linkStart[i + 1]; n++) {
      var h = tables.links.home[n];
      if (!seen[h]) { seen[h] = 1; if (!own || !own[h]) { count += 1; } }
    }
  });
  return { count: count, seen: seen };
}
var SUMMED = ["modules", "capacity_kwp", "energy_kwh", "capital", "income_first_year", "avoided_t"];
function sums(rows, take) {
  var out = { buildings: rows.length, buildings_with_pv: 0 }, modules = tables.roofs.modules;
  SUMMED.forEach(function (key) {
    var values = (take || valuesOf)(key), sum = 0, known_ = 0, left = 0;
    if (values) { rows.forEach(function (i) { if (values[i] === values[i]) { sum += values[i]; known_ += 1; } else if (modules[i] > 0) { left += 1; } }); }
    out[key] = known_ || (values && !left) ? sum : NaN;
    if (known_ && FROM_MONEY.indexOf(key) >= 0) { out.left = Math.max(out.left || 0, left); }
  });
  rows.forEach(function (i) { if (modules[i] > 0) { out.buildings_with_pv += 1; } });
  out.households = homesOfRoofs(rows).count;
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
/* What the same roofs come to as planned, and in the other plan where one is compared. */
function totalsBefore(rows) {
  var found = sums(rows, plannedValues);
  if (rows.all) { Object.keys(data.plan_totals).forEach(function (key) { if (known(data.plan_totals[key])) { found[key] = data.plan_totals[key]; } }); }
  return found;
}
function totalsOther(rows) {
  var out = {};
  other().compared.forEach(function (key) {
    if (SUMMED.indexOf(key) < 0) { return; }
    if (rows.all && other().totals[key] !== undefined) { out[key] = other().totals[key] === null ? NaN : other().totals[key]; return; }
    out[key] = 0;
    rows.forEach(function (i) { var v = otherValues(key)[i]; if (v === v) { out[key] += v; } });
  });
  return out;
}
