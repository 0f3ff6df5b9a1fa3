/* What each household gets under each model: income/models.py again, for other prices. */
var engine = data.engine;

function settingsPrices(set) {
  var years = engine.years, fixed = engine.fixed.slice(), market = engine.market.slice(), y;
  var rule = engine.mechanism;
  if (set.export_price !== undefined) {
    for (y = 0; y < years; y++) { fixed[y] = set.export_price * engine.price_factor; market[y] = 0; }
  } else if (rule && set.mechanism_share !== undefined) {
    for (y = 0; y < years; y++) {
      var under = y < rule.years;
      fixed[y] = under ? set.mechanism_share * rule.price : 0;
      market[y] = (under ? 1 - set.mechanism_share : 1) * rule.market[y];
    }
  }
  var all_ = fixed.map(function (price, n) { return price + market[n] + engine.subsidy[n]; });
  return { fixed: fixed, market: market, subsidy: engine.subsidy, all: all_,
    self_use: set.self_use_price !== undefined ? set.self_use_price : engine.self_use };
}

/* One household's own use, bill saved and surplus in each year. */
function useOf(homes, h, prices, set, out) {
  var nodes = engine.nodes, energy = homes.energy_kwh[h], flat = engine.self_use_share;
  for (var y = 0; y < engine.years; y++) {
    var made = energy * engine.made[y], used, saved, lost = 0;
    if (flat !== null) {
      used = Math.min(flat * made, homes.used_cap[h]);
      saved = used * prices.self_use;
    } else {
      var a = nodes.below[y], b = nodes.above[y], way = nodes.way[y];
      used = Math.min(Math.max(mix(homes["used_" + a][h], homes["used_" + b][h], way), 0), made);
      saved = set.self_use_price !== undefined ? used * prices.self_use : mix(homes["saved_" + a][h], homes["saved_" + b][h], way);
      lost = Math.max(mix(homes["lost_" + a][h], homes["lost_" + b][h], way), 0);
    }
    if (!(homes.watts[h] > 0)) { saved = 0; }
    var sold = Math.max(made - used - lost, 0);
    out.made[y] = made;
    out.saved[y] = saved;
    out.surplus[y] = sold * (prices.fixed[y] + homes.worth[h] * prices.market[y]) + made * prices.subsidy[y];
    out.full[y] = made * (prices.fixed[y] + prices.market[y] + prices.subsidy[y]);
  }
}
function sellAll(energy, prices, out) {
  for (var y = 0; y < engine.years; y++) { out.full[y] = energy * engine.made[y] * prices.all[y]; }
}
function mix(low, high, way) { return low + way * (high - low); }

function rentOf(homes, h, y) {
  var rent = engine.rent, basis = rent.basis;
  var units = basis === "module" ? homes.modules[h] : basis === "m2" ? homes.modules[h] * rent.area
    : basis === "kwp" ? homes.watts[h] / 1000 : homes.watts[h] > 0 ? 1 : 0;
  return units * rent.each[y];
}

/* Net flows of one household (year 0 first) under a model that is not the cooperative. */
function flowsOf(homes, h, model, prices, set, work, net) {
  var years = engine.years, watts = homes.watts[h], y;
  if (model === "self_invest") { sellAll(homes.energy_kwh[h], prices, work); }
  else if (model !== "roof_lease") { useOf(homes, h, prices, set, work); }
  net.fill(0);
  if (model === "self_invest" || model === "self_use") {
    var capex = set.capex_per_w !== undefined ? set.capex_per_w : engine.capex_per_w;
    var capital = engine.known ? watts * capex : NaN, loan = capital * engine.loan.share;
    net[0] = loan - capital;
    for (y = 0; y < years; y++) {
      var earned = model === "self_invest" ? work.full[y] : work.saved[y] + work.surplus[y];
      net[y + 1] = earned - watts * (engine.running[y] + engine.event_cost[y] - engine.event_insured[y])
        - loan * (engine.loan.interest[y] + engine.loan.principal[y]);
    }
    return capital;
  }
  var lets = model === "roof_lease" || engine.developer.pays_rent;
  net[0] = lets ? homes.modules[h] * engine.rent.once : 0;
  for (y = 0; y < years; y++) {
    net[y + 1] = lets ? rentOf(homes, h, y) : 0;
    if (model === "developer") {
      net[y + 1] += work.saved[y] * engine.developer.discount + work.surplus[y] * engine.developer.export_share;
    }
  }
  return 0;
}

/* The collective's year: costs, tax and debt, then the reserve, then dividends to members. */
function dividends(homes, members, prices, set, work) {
  var coop = engine.cooperative, years = engine.years, watts = 0, y;
  var sales = new Float64Array(years), paid = new Float64Array(years);
  var energy = 0, rents = 0, free_kwh = 0;
  members.forEach(function (h) {
    watts += homes.watts[h];
    energy += homes.energy_kwh[h];
    rents += coop.pays_rent ? rentOf(homes, h, 0) : 0;
    free_kwh += coop.free_paid_by === "collective" && homes.member[h] ? homes.free_kwh[h] : 0;
    if (coop.mode === "full_feed_in") { return; }
    useOf(homes, h, prices, set, work);
    for (y = 0; y < years; y++) { sales[y] += work.surplus[y] + work.saved[y]; }
  });
  for (y = 0; y < years; y++) {
    if (coop.mode === "full_feed_in") { sales[y] = energy * engine.made[y] * (prices.fixed[y] + prices.market[y] + prices.subsidy[y]); }
    paid[y] = (rents && engine.rent.each[0] ? rents * engine.rent.each[y] / engine.rent.each[0] : 0) + free_kwh * prices.self_use;
  }
  var capex = set.capex_per_w !== undefined ? set.capex_per_w : engine.capex_per_w;
  var capital = engine.known ? watts * capex : NaN, grant = Math.min(coop.grant, capital);
  var loan = (capital - grant) * engine.loan.share, out = new Float64Array(years), cash = 0, reserve = 0;
  for (y = 0; y < years; y++) {
    var costs = paid[y] + watts * (engine.running[y] + engine.event_cost[y] - engine.event_insured[y]);
    var free = coop.vat_free[y] && sales[y] / 12 <= coop.vat_free_per_month;
    var vat = free ? 0 : sales[y] * coop.vat_rate;
    var tax = Math.max(sales[y] - costs - vat - capital / years, 0) * coop.tax_rate;
    cash += sales[y] - costs - vat - tax - loan * (engine.loan.interest[y] + engine.loan.principal[y]);
    if (cash < 0) { var drawn = Math.min(reserve, -cash); reserve -= drawn; cash += drawn; }
    if (cash > 0) { var kept = cash * coop.reserve_rate; reserve += kept; out[y] = cash - kept; cash = 0; }
    if (!(cash === cash)) { out[y] = NaN; }
  }
  return out;
}

/* First year, mean of all years, payback and capital of each household under a model.
   "plan" is each household's own; where a model is not allowed there are no numbers. */
function reckon(homes, model, set) {
  var count = homes.energy_kwh.length, years = engine.years, prices = settingsPrices(set);
  var out = { first: new Float64Array(count).fill(NaN), mean: new Float64Array(count).fill(NaN),
    payback: new Float64Array(count).fill(NaN), capital: new Float64Array(count).fill(NaN) };
  var work = workSpace();
  var net = new Float64Array(years + 1);
  for (var h = 0; h < count; h++) {
    var own = model === "plan" ? textAt(homes.model, h) : model;
    if (own === "cooperative" || !allowed(homes, h, own)) { continue; }
    out.capital[h] = flowsOf(homes, h, own, prices, set, work, net);
    measures(net, h, out);
  }
  if (model === "plan" || model === "cooperative") { cooperate(homes, model, prices, set, work, net, out); }
  return out;
}
function allowed(homes, h, model) { return engine.allowed[textAt(homes.project_class, h)].indexOf(model) >= 0; }

function coopMembers(homes) {
  var may = [], chose = [];
  for (var h = 0; h < homes.energy_kwh.length; h++) {
    if (!allowed(homes, h, "cooperative")) { continue; }
    may.push(h);
    if (textAt(homes.model, h) === "cooperative") { chose.push(h); }
  }
  return chose.length ? chose : may;
}
var coopHeld = null;
/* The collective's flows for the settings of now are reckoned once. */
function coopNow(homes, set, work) {
  if (!coopHeld) { coopHeld = { members: new Set(coopMembers(homes)), fill: coopFlows(homes, coopMembers(homes), settingsPrices(set), set, work) }; }
  return coopHeld;
}
function coopFlows(homes, members, prices, set, work) {
  var coop = engine.cooperative, paid = dividends(homes, members, prices, set, work), watts = 0, heads = 0;
  members.forEach(function (h) { if (homes.member[h]) { watts += homes.watts[h]; heads += 1; } });
  return function (h, net) {
    net[0] = coop.pays_rent ? homes.modules[h] * engine.rent.once : 0;
    for (var y = 0; y < engine.years; y++) {
      var alike = heads ? coop.equal_share / heads : 0, byWatts = watts ? (1 - coop.equal_share) * homes.watts[h] / watts : 0;
      net[y + 1] = (homes.member[h] ? paid[y] * (alike + byWatts) : 0) + (coop.pays_rent ? rentOf(homes, h, y) : 0)
        + (homes.member[h] ? homes.free_kwh[h] * prices.self_use : 0);
    }
  };
}
function cooperate(homes, model, prices, set, work, net, out) {
  if (!engine.cooperative.live) { return; }
  var members = coopMembers(homes);
  if (model === "plan") {
    members = members.filter(function (h) { return textAt(homes.model, h) === "cooperative"; });
    if (!members.length) { return; }
  }
  var fill = coopFlows(homes, members, prices, set, work);
  members.forEach(function (h) { fill(h, net); out.capital[h] = 0; measures(net, h, out); });
}

function measures(net, h, out) {
  var years = engine.years, total = 0, sum = 0, last = -1, before = 0, y;
  for (y = 0; y <= years; y++) {
    total += net[y];
    if (y) { sum += net[y]; }
    if (total < 0) { last = y; before = total; }
  }
  out.first[h] = net[1];
  out.mean[h] = sum / years;
  out.payback[h] = net[0] < 0 && last < years && sum === sum ? last - before / net[last + 1] : NaN;
}

function workSpace() {
  var years = engine.years;
  return { made: new Float64Array(years), saved: new Float64Array(years), surplus: new Float64Array(years), full: new Float64Array(years) };
}

/* Cumulated cash of one household, year by year. */
function cashLine(homes, h, model, set) {
  var prices = settingsPrices(set), years = engine.years, net = new Float64Array(years + 1);
  var work = workSpace();
  if (model === "cooperative") { coopNow(homes, set, work).fill(h, net); }
  else { flowsOf(homes, h, model, prices, set, work, net); }
  for (var y = 1; y <= years; y++) { net[y] += net[y - 1]; }
  return net;
}

/* What a household receives and pays in the first year, item by item. */
function firstYear(homes, h, model, set) {
  var prices = settingsPrices(set), years = engine.years, watts = homes.watts[h], out = [];
  var work = workSpace();
  if (!(watts > 0) || !allowed(homes, h, model) || (model === "cooperative" && !engine.cooperative.live)) { return out; }
  useOf(homes, h, prices, set, work);
  if (model === "self_invest") { out.push(["item_feed_in", work.full[0]]); }
  if (model === "self_use") { out.push(["item_bill_saved", work.saved[0]], ["item_surplus", work.surplus[0]]); }
  if (model === "self_invest" || model === "self_use") {
    var capital = watts * (set.capex_per_w !== undefined ? set.capex_per_w : engine.capex_per_w);
    out.push(["item_costs", -watts * (engine.running[0] + engine.event_cost[0] - engine.event_insured[0])]);
    if (engine.loan.share > 0) { out.push(["item_debt", -capital * engine.loan.share * (engine.loan.interest[0] + engine.loan.principal[0])]); }
  }
  if (model === "roof_lease" || (model === "developer" && engine.developer.pays_rent)) { out.push(["item_rent", rentOf(homes, h, 0)]); }
  if (model === "developer") {
    out.push(["item_discount", work.saved[0] * engine.developer.discount]);
    if (engine.developer.export_share > 0) { out.push(["item_export_share", work.surplus[0] * engine.developer.export_share]); }
  }
  if (model === "cooperative") {
    var line = cashLine(homes, h, model, set), free = homes.member[h] ? homes.free_kwh[h] * prices.self_use : 0, rent = engine.cooperative.pays_rent ? rentOf(homes, h, 0) : 0;
    out.push(["item_dividend", line[1] - line[0] - free - rent]);
    if (rent) { out.push(["item_rent", rent]); }
    if (free) { out.push(["item_free_kwh", free]); }
  }
  return out;
}

function factorOf(set) { return set.factor !== undefined ? set.factor : engine.factor; }
