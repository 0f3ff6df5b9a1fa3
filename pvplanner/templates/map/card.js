/* The chosen roof: why it has nothing or what it earns, whose it is, and how each figure comes about. */
function homesOf(i) { return Array.from(tables.links.home.subarray(view.linkStart[i], view.linkStart[i + 1])); }

function card() {
  var holder = box("card"), i = state.chosen;
  holder.hidden = i < 0;
  if (i < 0) { return; }
  cardHead(holder, i);
  reasonLine(holder, i);
  if (tables.roofs.modules[i] > 0) { keyFigures(holder, i); neighbours(holder, i); }
  owners(holder, i);
  if (tables.roofs.modules[i] > 0) { folded(holder, "months", text("months"), function (box_) { months(box_, i); }); }
  folded(holder, "planes", text("planes"), function (box_) { planesTable(box_, i); });
  folded(holder, "facts", text("card_facts"), function (box_) { facts(box_, i); });
  document.getElementById("side").scrollTop = 0;
}
function cardHead(holder, i) {
  var id = textAt(tables.roofs.building_id, i), tick = element("label", null, { "class": "tick" }), input = element("input", null, { type: "checkbox", id: "card-tick" });
  holder.appendChild(button(text("close"), function () { choose(-1); }, { "class": "close" }));
  holder.appendChild(element("h2", text("building_id") + " " + id, { id: "card-head", tabindex: "-1" }));
  input.checked = state.ticked.has(i);
  input.addEventListener("change", function () { toggleTick(i, input.checked); });
  tick.appendChild(input); tick.appendChild(element("span", text("on_list"))); holder.appendChild(tick);
}
/* A part that opens at a click and is made then; what was open stays open for the next roof. */
function folded(holder, name, title, make, open) {
  var part = element("details", null, { "data-part": name }), inside = element("div"), made = false;
  function fill() { if (!made) { made = true; make(inside); } }
  if (view.open[name] === undefined ? open : view.open[name]) { part.setAttribute("open", ""); }
  var head = element("summary", title);
  part.appendChild(head); part.appendChild(inside);
  if (part.open) { fill(); }
  if (made && !inside.firstChild) { return; }
  // Filled as it is asked for: "toggle" comes only after the part was drawn open and empty.
  head.addEventListener("click", fill);
  part.addEventListener("toggle", function () { view.open[name] = part.open; if (part.open) { fill(); } });
  holder.appendChild(part);
}
/* Why a roof carries nothing, or carries it later: first what stands against it. */
function whyNot(i) {
  var said = textAt(tables.roofs.status_reason, i), status = textAt(tables.roofs.status, i), phased = tables.roofs.why ? data.why[state.language][tables.roofs.why[i]] : "";
  // What stands against the roof itself comes first; whom nobody chose has the list's own reason.
  if (tables.roofs.modules[i] > 0) { return phased; }
  if (said && said !== "not_chosen") { return words(said) + (said === "roof_group_small" ? " (" + filled("at_least_modules", { count: number(data.min_modules, 0) }) + ")" : ""); }
  return phased || (said || (status && status !== "ok" ? status : "") ? words(said || status) : "");
}
function reasonLine(holder, i) {
  var said = whyNot(i), built = tables.roofs.modules[i] > 0;
  if (!said && built) { return; }
  var line = element("p", (built ? "" : text("no_modules_here") + text("colon")) + (said || text("reason_unknown")), { "class": built ? "reason" : "reason none", id: "card-reason" });
  if (tables.roofs.why) { line.setAttribute("data-why", ""); }
  holder.appendChild(line);
}
/* A label in plain words, with the technical one behind it. */
function plainWords(key) { return text(data.texts[state.language]["plain_" + key] ? "plain_" + key : key); }
function headOf(key) {
  var node = element("span", plainWords(key));
  if (node.textContent !== text(key)) { node.title = text(key); }
  return node;
}
function figure(table, key, value) {
  var line = row(table, "", value);
  line.firstChild.appendChild(headOf(key));
  line.setAttribute("data-figure", key);
  return line;
}
var FACTS = ["village", "hamlet", "roof_type", "status", "status_reason", "source", "area_m2", "usable_area_m2", "shading_loss", "suitability", "transformer_id", "transformer_load", "energy_p90_kwh"];
function keyFigures(holder, i) {
  var table = element("table", null, { id: "card-figures" });
  data.card.forEach(function (key) {
    var values = valuesOf(key), value = values ? values[i] : NaN;
    if (!values || FACTS.indexOf(key) >= 0) { return; }
    if (!(values instanceof Float64Array)) { if (textAt(values, i)) { figure(table, key, words(textAt(values, i))); } return; }
    if (differs(key) && key === "payback_years") { figure(table, key, changedWords(paybackWords(plannedValues(key)[i], plannedValues("capital")[i]), paybackWords(otherValues(key)[i], otherValues("capital")[i]))); return; }
    if (key === "payback_years" && !known(value)) { figure(table, key, signWords(signFor(key, value, i))); return; }
    if (!known(value)) { return; }
    if (differs(key)) { figure(table, key, moved(key, plannedValues(key)[i], otherValues(key)[i])); return; }
    var before = changed() && view.planned && view.planned[key] ? view.planned[key][i] : NaN;
    figure(table, key, known(before) ? moved(key, before, value) : large(key, value));
  });
  holder.appendChild(table);
}
function paybackWords(years, capital) { return known(years) ? shown("payback_years", years) : text(capital === 0 ? "nothing_invested" : "never_pays_back"); }
function changedWords(a, b) { return a === b ? a : a + " → " + b; }
function signWords(k) { return text(SIGNS[k] || "unknown"); }
/* A number and what it becomes; one number where both are alike. */
function moved(key, here, there) { return changedWords(shown(key, here), shown(key, there)); }
/* Where a roof stands among those of its hamlet, by what its modules yield and by shade. */
function neighbours(holder, i) {
  var column = tables.roofs.hamlet, own = column ? textAt(column, i) : "", key = "specific_yield_kwh_per_kwp", values = tables.roofs[key], better = 0, count = 0;
  if (!values || !known(values[i])) { return; }
  for (var n = 0; n < values.length; n++) {
    if (!(tables.roofs.modules[n] > 0) || values[n] !== values[n] || (own && textAt(column, n) !== own)) { continue; }
    count += 1;
    if (values[n] > values[i]) { better += 1; }
  }
  var shade = tables.roofs.shading_loss, said = filled("among_neighbours", { place: number(better + 1, 0), count: number(count, 0), where: own || data.name });
  if (shade && known(shade[i])) { said += style().parts + text("shading_loss") + text("colon") + shown("shading_loss", shade[i]); }
  holder.appendChild(element("p", said, { "class": "small", id: "card-neighbours" }));
}
function facts(holder, i) {
  var table = element("table");
  data.card.forEach(function (key) {
    var column = tables.roofs[key];
    if (!column || FACTS.indexOf(key) < 0 || key === "status_reason") { return; }
    if (column.length === undefined || typeof column[0] === "string") {
      var said = textAt(column, i);
      if (said) { figure(table, key, ["village", "hamlet", "transformer_id"].indexOf(key) >= 0 ? said : words(key === "source" ? "source_" + said : said)); }
    } else if (known(column[i])) { figure(table, key, key === "usable_area_m2" ? usable(i) : large(key, column[i])); }
  });
  holder.appendChild(table);
}
function usable(i) {
  var r = tables.roofs, low = r.usable_area_low_m2, high = r.usable_area_high_m2;
  if (!low || !known(low[i])) { return shown("usable_area_m2", r.usable_area_m2[i]); }
  return number(low[i], 0) + " – " + number(r.usable_area_m2[i], 0) + " – " + shown("usable_area_m2", high[i]);
}
function twelve(stem, i) {
  for (var values = [], n = 1; n <= 12; n++) { var column = tables.roofs[stem + (n < 10 ? "0" : "") + n]; if (column) { values.push(column[i]); } }
  return values;
}
function monthsOf(i) { return twelve("energy_kwh_", i); }
function months(holder, i) {
  var values = monthsOf(i), energy = tables.roofs.energy_kwh[i], poor = tables.roofs.energy_p90_kwh ? tables.roofs.energy_p90_kwh[i] / energy : NaN;
  if (values.length < 12 || !(tables.roofs.modules[i] > 0)) { return; }
  var lost = twelve("shade_", i), shaded = lost.some(function (v) { return v > 0; });
  holder.appendChild(barChart(values, values.map(function (v, k) { return String(k + 1); }), text("months"), poor, shaded ? lost : null));
  if (shaded) { holder.appendChild(element("p", text("shade_months"), { "class": "small" })); }
}
/* Of the modules where there are some: rows on a level roof lean. */
function leaning(name, p) { var own = tables.planes["module_" + name]; return own && known(own[p]) ? own[p] : tables.planes[name][p]; }
function planesTable(holder, i) {
  if (!havePlanes() || view.planeStart[i] === view.planeStart[i + 1]) { return; }
  var margin = tables.planes.marginal_payback_years, keys = ["surface_tilt", "surface_azimuth", "usable_area_m2", "modules", "yield_share"].concat(margin ? ["marginal_payback_years"] : []);
  var table = element("table", null, { "class": "grid" }), head = element("tr");
  keys.forEach(function (key) { head.appendChild(element("th", headWords(key), { scope: "col" })); });
  table.appendChild(head);
  for (var p = view.planeStart[i]; p < view.planeStart[i + 1]; p++) {
    var line = element("tr");
    [number(leaning("surface_tilt", p), 0) + "°", number(leaning("surface_azimuth", p), 0) + "°",
      shown("usable_area_m2", tables.planes.usable_area_m2[p]), number(view.modulesOf[p], 0),
      known(tables.planes.yield_share[p]) ? number(tables.planes.yield_share[p], "p0") : "–"].concat(margin ? [known(margin[p]) ? number(margin[p], 1) : "–"] : []).forEach(function (said) { line.appendChild(element("td", said)); });
    table.appendChild(line);
  }
  holder.appendChild(table);
}
function owners(holder, i) {
  var homes_ = homesOf(i);
  homes_.slice(0, 12).forEach(function (h) { owner(holder, h, i); });
  if (homes_.length > 12) { holder.appendChild(element("p", filled("more_homes", { count: number(homes_.length - 12, 0) }), { "class": "small" })); }
}
function owner(holder, h, i) {
  var homes = tables.households, name = data.personal ? textAt(homes[data.personal.name], h) : "", roofs = view.roofsOfHome(h);
  holder.appendChild(element("h3", text("household_id") + " " + textAt(homes.household_id, h) + (name ? " " + name : "")));
  if (roofs.length > 1) {
    holder.appendChild(element("p", filled("roofs_of_home", { roofs: roofs.map(function (r) { return textAt(tables.roofs.building_id, r) + " " + shown("energy_kwh", tables.roofs.energy_kwh[r]); }).join(style().list) }), { "class": "small" }));
  }
  var table = element("table"), poor = data.personal ? data.personal.poor : "";
  if (poor && textAt(homes[poor], h)) { row(table, text(poor), text(textAt(homes[poor], h))); }
  (data.personal ? data.personal.facts : []).forEach(function (key) { if (homes[key] && known(homes[key][h])) { row(table, text(key), shown(key, homes[key][h])); } });
  var own = state.model === "plan" ? textAt(homes.model, h) : state.model, several = roofs.length > 1 || homesOf(i).length > 1;
  if (several) { figure(table, "energy_kwh", large("energy_kwh", homes.energy_kwh[h])); }
  if (known(homes.energy_p90_built_kwh[h])) { figure(table, "energy_p90_built_kwh", shown("energy_p90_built_kwh", homes.energy_p90_built_kwh[h])); }
  if (several) {
    figure(table, "avoided_t", shown("avoided_t", avoided()[h]));
    if (known(money.first[h])) { figure(table, "income_first_year", shown("income_first_year", money.first[h])); }
  }
  if (table.firstChild) { holder.appendChild(table); }
  if (!(homes.watts[h] > 0)) { return; }
  folded(holder, "models", text("models_compared"), function (box_) { box_.appendChild(modelTable(h, own)); });
  if (!data.personal && engines[partOf(homes, h)].models[own] && engines[partOf(homes, h)].models[own].payments.some(function (p) { return p.item === "bill_saved" && p.payee === "household"; })) {
    holder.appendChild(element("p", text("own_use_grouped"), { "class": "small" }));
  }
  // Of another plan the page has no payments.
  if (!allowed(homes, h, own) || !isLive(own) || state["case"] || comparing()) { return; }
  folded(holder, "cash", text("cash_line") + text("colon") + text(own), function (box_) {
    var line = cashLine(homes, h, own);
    if (line[line.length - 1] === line[line.length - 1]) { box_.appendChild(lineChart(line, text("cash_line"))); }
  });
  folded(holder, "why", text("why") + text("colon") + text("income_first_year") + ", " + text(own), function (box_) { why(box_, h, own); }, homesOf(i).length === 1);
}
/* Why this number: what the first year's income is made of. */
function why(holder, h, own) {
  var parts = firstYear(tables.households, h, own);
  if (!parts.length) { return; }
  var table = element("table", null, { "class": "why" });
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
  var told = Array.from(new Set(parts.map(function (part) { return part.source === undefined ? "" : data.money_sources[state.language][part.source]; }).filter(Boolean)));
  if (told.length) { holder.appendChild(element("p", text("source") + text("colon") + told.join(style().parts), { "class": "small" })); }
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
    var back = found.capital > 0 ? (known(found.payback) ? number(found.payback, field("payback_years").one) : text("never_pays_back")) : text("nothing_invested");
    [number(found.first, field("income_first_year").one), number(found.mean, field("income_mean").one), back].forEach(function (said) { line.appendChild(element("td", said)); });
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
