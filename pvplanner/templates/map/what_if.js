/* Sliders over the plan's own path, the six price cases, and what stands behind the numbers of now. */
function box(id) {
  var node = document.getElementById(id);
  while (node.firstChild) { node.removeChild(node.firstChild); }
  return node;
}
function button(words_, act, attributes) {
  var node = element("button", words_, Object.assign({ type: "button" }, attributes || {}));
  node.addEventListener("click", act);
  return node;
}
/* What a slider sets; each is a part of the plan's own prices, tiers and years, but the share, which is one. */
var SLIDERS = ["export_price", "mechanism_share", "capex_per_w", "self_use_price", "factor"];
var TIMES = { export_price: "price_times", capex_per_w: "capex_times", self_use_price: "self_use_times", factor: "factor_times" };
var SETTINGS = SLIDERS.concat(Object.keys(TIMES).map(function (key) { return TIMES[key]; }));
var MOST_MOVED = 0.5, MOVE = 0.2;
function firstPrice() { var fixed = engine.rates.price_fixed[0], market = engine.rates.price_market[0]; return known(fixed) && known(market) ? fixed + market : NaN; }
function plannedSetting(key) {
  if (key === "export_price") { return firstPrice(); }
  if (key === "mechanism_share") { return engine.mechanism ? engine.mechanism.share : NaN; }
  if (key === "capex_per_w") { return engine.known ? engine.rates.capex_per_w[0] : NaN; }
  if (key === "self_use_price") { return engine.rates.self_use_price[0]; }
  return engine.factor;
}
function settingNow(key) {
  var base = plannedSetting(key);
  if (state.settings[key] !== undefined) { return state.settings[key]; }
  return TIMES[key] && state.settings[TIMES[key]] !== undefined ? base * state.settings[TIMES[key]] : base;
}
function setTimes(key, value) {
  var name = TIMES[key] || key;
  delete state.settings[key];
  if (TIMES[key] ? Math.abs(value - 1) < 1e-9 : Math.abs(value - plannedSetting(key)) < 1e-9) { delete state.settings[name]; }
  else { state.settings[name] = value; }
  state["case"] = "";
  notCompared();
}
function percentWords(times) { var v = Math.round((times - 1) * 100); return (v > 0 ? "+" : "") + v + "%"; }
function sliders() {
  var holder = box("sliders");
  caseChoice(holder);
  SLIDERS.forEach(function (key) {
    var base = plannedSetting(key);
    if (!known(base)) { return; }
    var share = !TIMES[key], line = element("div", null, { "class": "slider", role: "group", "aria-label": text("slider_" + key) }), out = element("output"), id = "slider-" + key;
    var input = element("input", null, { type: "range", id: id, min: share ? 0 : -100 * MOST_MOVED, max: share ? 100 : 100 * MOST_MOVED, step: 1 });
    function place() { return share ? Math.round(settingNow(key) * 100) : Math.round((settingNow(key) / base - 1) * 100); }
    input.value = place();
    function told() {
      var now = settingNow(key), moved_ = place();
      out.textContent = settingWords(key, now) + (share ? (now === base ? " · " + text("as_planned") : "") : moved_ === 0 ? " · " + text(plannedWords(key)) : " · " + percentWords(now / base) + " · " + text(plannedWords(key)));
      input.setAttribute("aria-valuetext", out.textContent);
    }
    function move(percent) {
      var before = JSON.stringify(state.settings) + state["case"];
      setTimes(key, share ? percent / 100 : 1 + percent / 100);
      told();
      // At rest an event changes nothing.
      if (JSON.stringify(state.settings) + state["case"] !== before) { later(); rememberSoon(); }
    }
    input.addEventListener("input", function () { if (Number(input.value) !== place()) { move(Number(input.value)); } });
    input.addEventListener("change", function () { remember(true); });
    line.appendChild(element("label", text("slider_" + key), { "for": id })); line.appendChild(out);
    if (!share) {
      [-MOVE, MOVE].forEach(function (by) {
        line.appendChild(button(percentWords(1 + by), function () { input.value = 100 * by; move(100 * by); remember(true); }, { "class": "step", "data-move": key + (by > 0 ? "+" : "-"), "aria-label": text("slider_" + key) + " " + percentWords(1 + by) }));
      });
    }
    line.appendChild(input);
    told();
    holder.appendChild(line);
  });
  holder.appendChild(button(text("as_planned"), function () { state.settings = {}; state["case"] = ""; update(); sliders(); remember(true); }, { id: "reset" }));
  caseTable(holder);
  breakEvenTable(holder);
}
/* The plan's own price cases: one of them is shown in place of what the sliders say. */
function caseChoice(holder) {
  if (!data.case_columns) { return; }
  var line = element("label", null, { "class": "line" }), node = element("select", null, { id: "price-case" });
  node.appendChild(element("option", text("case_planned"), { value: "" }));
  data.cases.forEach(function (row_) { if (row_["case"] !== "planned") { node.appendChild(element("option", text("case_" + row_["case"]), { value: row_["case"] })); } });
  node.value = state["case"];
  node.addEventListener("change", function () {
    state["case"] = node.value; state.settings = {}; state.model = "plan"; notCompared();
    document.getElementById("model").value = "plan";
    update(); sliders(); remember(true);
  });
  line.appendChild(element("span", text("price_case"))); line.appendChild(node); holder.appendChild(line);
}
/* A small table: heads, and rows of cells of which the first names the row. */
function gridTable(holder, id, title, heads, rows) {
  var table = element("table", null, { "class": "grid", id: id }), top = element("tr");
  heads.forEach(function (words_) { top.appendChild(element("th", words_, { scope: "col" })); });
  table.appendChild(top);
  rows.forEach(function (cells) {
    var line = element("tr");
    cells.forEach(function (cell_, n) { line.appendChild(n ? element("td", cell_) : element("th", cell_, { scope: "row" })); });
    table.appendChild(line);
  });
  var room = element("div", null, { "class": "wide", tabindex: "0", role: "region", "aria-label": title });
  holder.appendChild(element("h3", title));
  room.appendChild(table); holder.appendChild(room);
}
/* The plan's own six price cases, side by side. */
function caseTable(holder) {
  if (!data.cases.length) { return; }
  var keys = ["income_first_year", "income_mean", "npv"];
  gridTable(holder, "cases", text("report_cases"), [text("price_case")].concat(keys.map(function (key) { return plainWords(key) + " (" + unitOf(key) + ")"; }), text("households_losing")),
    data.cases.map(function (row_) {
      var sums_ = keys.map(function (key) { return known(row_[key]) ? number(row_[key], field(key).whole) : "–"; });
      return [text("case_" + row_["case"])].concat(sums_, number(row_.households_losing, 0));
    }));
  holder.appendChild(element("p", text("cases_note"), { "class": "small" }));
}
/* How far price, yield and cost may move until the plan pays no more; of several villages each. */
function breakEvenTable(holder) {
  var several = engines.length > 1, keys = ["npv", "cover_1", "cover_1_2"];
  var heads = [text("moved"), text("break_even_worth"), text("break_even_cover_1"), text("break_even_cover_1_2")];
  gridTable(holder, "break-even", text("report_break_even"), heads, data.break_even.map(function (row_) {
    var name = (several ? row_.village + text("colon") : "") + text("moved_" + row_.moved);
    return [name].concat(keys.map(function (key) {
      return known(row_[key]) ? (row_[key] > 1 ? "+" : "") + number(row_[key] - 1, data.rate_rule) : "–";
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
  if (state["case"]) { said.push(text("price_case") + text("colon") + text("case_" + state["case"])); }
  SLIDERS.forEach(function (key) {
    var times = state.settings[TIMES[key]];
    if (times !== undefined) { said.push(text("slider_" + key) + text("colon") + percentWords(times) + " (" + settingWords(key, settingNow(key)) + ")"); }
    else if (state.settings[key] !== undefined) { said.push(text("slider_" + key) + text("colon") + settingWords(key, state.settings[key])); }
  });
  state.filters.forEach(function (f) {
    var scale = isShare(f.key) ? 100 : 1, unit = unitOf(f.key);
    if (f.kind === "window" || f.kind === "area") { said.push(text("filter_" + f.kind)); return; }
    said.push(text(f.key) + text("colon") + (f.kind === "word" ? wordSaid(f.key, f.value) : f.kind === "poor" ? text("yes")
      : (f.low !== null ? "≥ " + f.low * scale + " " + unit : "") + (f.high !== null ? " ≤ " + f.high * scale + " " + unit : "")));
  });
  if (comparing()) { said.push(text("difference") + text("colon") + other().name + " − " + data.name); }
  return said.join(style().parts);
}
function wordSaid(key, value) { return ["hamlet", "village", "transformer_id"].indexOf(key) >= 0 ? value : value ? words(value) : text("reason_unknown"); }
function notCompared() {
  if (!comparing()) { return; }
  state.other = -1;
  compareTabs();
}
var waiting = 0;
function later() { if (!waiting) { waiting = requestAnimationFrame(function () { waiting = 0; update(); }); } }
