/* What each household gets under each model: the rows of models.csv again, for other prices. */
var engines = data.engines, engine = engines[0];
/* Each village has its own prices, books and rules: one of them at a time. */
function partOf(homes, h) { return engines.length > 1 ? homes.part[h] : 0; }
function useVillage(part) { engine = engines[part]; }

/* The closed list of rules, as money/payments.py has it; both run the same golden vectors. */
var rules = {
  vat: function (sales, free, most, rate) {
    return sales.map(function (value, y) { var net = value / (1 + rate[y]); return free[y] && net / 12 < most ? 0 : net * rate[y]; });
  },
  profit_tax: function (profit, written_off, rate) {
    var losses = [];
    return profit.map(function (value, y) {
      var left = value - written_off[y], rest = left;
      losses = losses.slice(-5);
      if (left >= 0) { losses = losses.map(function (loss) { var used = Math.min(loss, rest); rest -= used; return loss - used; }); }
      losses.push(Math.max(-left, 0));
      return left === left ? Math.max(rest, 0) * rate[y] : NaN;
    });
  },
  /* Straight line over a life, in whole fen by any year. */
  write_off: function (cost, life, years) {
    var out = [], before = 0;
    for (var y = 1; y <= years; y++) { var now = rules.even(cost * 100 * Math.min(y, life) / life); out.push((now - before) / 100); before = now; }
    return out;
  },
  at_most: function (sum, most) { return most === most ? Math.min(sum, most) : NaN; },
  instalment: function (principal, rate) { return rate.map(function (r) { return principal * r; }); },
  /* Halves to the even fen, as Python rounds. */
  even: function (value) { var whole = Math.floor(value), part = value - whole; return part === 0.5 ? whole + (whole % 2 ? 1 : 0) : Math.round(value); },
  /* Fen. Losses of earlier years, then the reserve's share, then members as far as there is cash. */
  distribution: function (left, written_off, repaid, rate) {
    var cash = 0, reserve = 0, pool = 0, out = { dividend: [], cash: [], reserve: [], undistributed: [] };
    left.forEach(function (value, y) {
      var given = 0, surplus = value + repaid[y] - written_off[y];
      cash += value; pool += surplus;
      if (pool < 0) { var drawn = Math.min(reserve, -pool); reserve -= drawn; pool += drawn; }
      if (pool > 0) {
        var kept = rules.even(Math.max(Math.min(pool, surplus), 0) * rate);
        reserve += kept; pool -= kept;
        given = Math.floor(Math.min(pool, Math.max(cash, 0)) + 1e-4);
        cash -= given; pool -= given;
      }
      out.dividend.push(value === value ? given : NaN); out.cash.push(cash); out.reserve.push(reserve); out.undistributed.push(pool);
    });
    return out;
  }
};

/* Rates of the plan, with those that the sliders set. */
function ratesOf(set) {
  var years = engine.years, out = Object.assign({}, engine.rates), rule = engine.mechanism, y;
  function flat(value) { return new Array(years).fill(value); }
  if (set.export_price !== undefined) { out.price_fixed = flat(set.export_price * engine.price_factor); out.price_market = flat(0); }
  else if (rule && set.mechanism_share !== undefined) {
    out.price_fixed = []; out.price_market = [];
    for (y = 0; y < years; y++) {
      out.price_fixed.push(y < rule.years ? set.mechanism_share * rule.price : 0);
      out.price_market.push((y < rule.years ? 1 - set.mechanism_share : 1) * rule.market[y]);
    }
  }
  out.sale_price = out.price_fixed.map(function (price, n) { return price + out.price_market[n] + out.subsidy[n]; });
  if (set.capex_per_w !== undefined && engine.known) { out.capex_per_w = flat(set.capex_per_w); }
  if (set.self_use_price !== undefined) { out.self_use_price = flat(set.self_use_price); }
  return out;
}
/* A rate of models.csv: named ones and numbers, multiplied; 1-x is what x leaves. */
function rateOf(rates, words_) {
  var out = new Array(engine.years).fill(1);
  words_.split("*").forEach(function (word) {
    word = word.trim();
    var number_ = /^[0-9.]+$/.test(word) ? Number(word) : null, rest = word.slice(0, 2) === "1-";
    var own = number_ === null ? rates[rest ? word.slice(2) : word] : null;
    out = out.map(function (v, y) { return v * (number_ !== null ? number_ : rest ? 1 - own[y] : own[y]); });
  });
  return out;
}

var YEARLY = ["made", "self_used", "exported", "bill_difference", "surplus_sales"];
/* Payments as sums of a household's quantities times yearly rates; what is no such sum keeps its rule. */
function compile(model, rates) {
  var known_ = {}, rows = [], years = engine.years;
  function place(rate, when) {
    var out = new Float64Array(years + 1);
    if (when === "start") { out[0] = rate[0]; } else { for (var y = 0; y < years; y++) { out[y + 1] = rate[y]; } }
    return out;
  }
  function add(item, terms) {
    var held = known_[item] = known_[item] || {};
    Object.keys(terms).forEach(function (q) {
      held[q] = held[q] ? held[q].map(function (v, y) { return v + terms[q][y]; }) : terms[q];
    });
  }
  function scaled(terms, act) {
    var out = {};
    Object.keys(terms || {}).forEach(function (q) { out[q] = act(terms[q]); });
    return out;
  }
  engine.models[model].payments.forEach(function (p) {
    var rate = rateOf(rates, p.rate), terms = {};
    if (p.rule === "" || p.rule === "events") {
      if (p.quantity === "capital") { terms.watts = place(rate.map(function (r, y) { return r * rates.capex_per_w[y]; }), p.when); }
      else if (engine.quantities.indexOf(p.quantity) >= 0) { terms[p.quantity] = place(rate, p.when); }
      else { terms = scaled(known_[p.quantity], function (v) { return v.map(function (w, y) { return y ? w * rate[y - 1] : 0; }); }); }
    } else if (p.rule === "loan") {
      terms = scaled(known_[p.quantity.split(" ")[0]], function (v) { var out = new Float64Array(years + 1); out[0] = v[0] * rate[0]; return out; });
    } else if (p.rule === "instalment") {
      terms = scaled(known_[p.quantity], function (v) { var out = new Float64Array(years + 1); for (var y = 0; y < years; y++) { out[y + 1] = v[0] * rate[y]; } return out; });
    } else { terms = null; }
    if (terms) { add(p.item, terms); }
    rows.push({ row: p, rate: rate, terms: terms, sign: (p.payee === "household") - (p.payer === "household") });
  });
  return rows;
}
/* Coefficients of a household's own payments by quantity, signs included. */
function ownOf(rows) {
  var out = {};
  rows.forEach(function (r) {
    if (!r.sign || !r.terms) { return; }
    Object.keys(r.terms).forEach(function (q) {
      var held = out[q] = out[q] || new Float64Array(engine.years + 1);
      for (var y = 0; y <= engine.years; y++) { held[y] += r.sign * r.terms[q][y]; }
    });
  });
  return out;
}

/* One household's quantities: numbers, or years where wear and hours count. */
function quantities(homes, h, rates, set, wanted, work) {
  var watts = homes.watts[h], basis = engine.rent_basis, y;
  work.watts = watts;
  work.modules = homes.modules[h];
  work.free_kwh = homes.free_kwh[h];
  work.rent_units = basis === "module" ? homes.modules[h] : basis === "m2" ? homes.modules[h] * engine.area
    : basis === "kwp" ? watts / 1000 : watts > 0 ? 1 : 0;
  if (!wanted.some(function (q) { return YEARLY.indexOf(q) >= 0; })) { return work; }
  var energy = homes.energy_kwh[h];
  for (y = 0; y < engine.years; y++) { work.made[y + 1] = energy * engine.made[y]; }
  if (!wanted.some(function (q) { return YEARLY.indexOf(q) > 0; })) { return work; }
  var nodes = engine.nodes, flat = engine.self_use_share, worth = homes.worth[h];
  for (y = 0; y < engine.years; y++) {
    var made = work.made[y + 1], used, saved, lost = 0;
    if (flat !== null) {
      used = Math.min(flat * made, homes.used_cap[h]);
      saved = used * rates.self_use_price[y];
    } else {
      var a = nodes.below[y], b = nodes.above[y], way = nodes.way[y];
      used = Math.min(Math.max(mix(homes["used_" + a][h], homes["used_" + b][h], way), 0), made);
      saved = set.self_use_price !== undefined ? used * rates.self_use_price[y] : mix(homes["saved_" + a][h], homes["saved_" + b][h], way);
      lost = Math.max(mix(homes["lost_" + a][h], homes["lost_" + b][h], way), 0);
    }
    var sold = Math.max(made - used - lost, 0);
    work.self_used[y + 1] = used;
    work.exported[y + 1] = sold;
    work.bill_difference[y + 1] = watts > 0 ? saved : 0;
    work.surplus_sales[y + 1] = sold * (rates.price_fixed[y] + worth * rates.price_market[y]) + made * rates.subsidy[y];
  }
  return work;
}
function mix(low, high, way) { return low + way * (high - low); }
function workSpace() {
  var work = {};
  YEARLY.forEach(function (q) { work[q] = new Float64Array(engine.years + 1); });
  return work;
}
/* Sum of coefficients times quantities, added to "out" (year 0 first). */
function addUp(terms, work, out) {
  Object.keys(terms).forEach(function (q) {
    var rate = terms[q], value = work[q], y;
    if (typeof value === "number") { if (value) { for (y = 0; y <= engine.years; y++) { out[y] += value * rate[y]; } } else if (rate[0] !== rate[0]) { out[0] += rate[0] * value; } }
    else { for (y = 0; y <= engine.years; y++) { out[y] += value[y] * rate[y]; } }
  });
  return out;
}

/* The households' flows under a model: a function that fills "net" for one of them. */
function modelOf(homes, model, set, members) {
  var rates = ratesOf(set), rows = compile(model, rates), own = ownOf(rows), wanted = Object.keys(own), work = workSpace();
  var pooled = engine.models[model].owner === "collective";
  var dividend = pooled ? dividends(homes, members, rows, rates, set) : null;
  return {
    rows: rows, rates: rates, pooled: pooled, dividend: dividend,
    capital: function (h) { return rows.reduce(function (sum, r) { return sum + (r.row.item === "capital" && r.row.payer === "household" ? homes.watts[h] * r.rate[0] : 0); }, 0); },
    fill: function (h, net) {
      net.fill(0);
      addUp(own, quantities(homes, h, rates, set, wanted, work), net);
      if (dividend) { dividend(h, net); }
    }
  };
}
/* The collective's year by its rows, in their order; returns what adds a member's dividends. */
function dividends(homes, members, rows, rates, set) {
  var years = engine.years, coop = engine.cooperative, total = workSpace(), every = engine.quantities, work = workSpace();
  ["watts", "modules", "rent_units", "free_kwh"].forEach(function (q) { total[q] = 0; });
  members.forEach(function (h) {
    quantities(homes, h, rates, set, every, work);
    every.forEach(function (q) {
      if (q === "capital") { return; }
      if (typeof work[q] === "number") { total[q] += work[q]; } else { for (var y = 0; y <= years; y++) { total[q][y] += work[q][y]; } }
    });
  });
  var items = {}, net = new Float64Array(years), repaid = new Float64Array(years), given = null, cost = 0, y;
  function fen(values) { return Array.from(values, function (v) { return rules.even(v * 100); }); }
  rows.forEach(function (r) {
    var p = r.row, sign = (p.payee === "collective") - (p.payer === "collective"), amount = new Float64Array(years + 1);
    if (p.rule === "at_most") { amount[0] = rules.at_most(r.rate[0], total.watts * rates.capex_per_w[0]); }
    else if (p.rule === "loan") {
      var names = p.quantity.split(" "), base = items[names[0]] ? items[names[0]][0] : 0;
      names.slice(1).forEach(function (name) { base -= items[name] ? items[name][0] : 0; });
      amount[0] = base * r.rate[0];
    }
    else if (p.rule === "instalment") { amount.set(rules.instalment(items[p.quantity][0], r.rate), 1); }
    else if (p.rule === "vat") {
      var sales = new Array(years).fill(0);
      p.quantity.split(" ").forEach(function (name) { if (items[name]) { sales = sales.map(function (v, n) { return v + items[name][n + 1]; }); } });
      amount.set(rules.vat(sales, engine.vat_free, engine.vat_free_per_month, r.rate), 1);
    }
    else if (p.rule === "profit_tax") {
      var taxed = p.quantity.split(" "), base_ = items[taxed[0]][0];
      taxed.slice(1).forEach(function (name) { base_ -= items[name] ? items[name][0] : 0; });
      amount.set(rules.profit_tax(Array.from(net, function (v, n) { return v + repaid[n]; }), rules.write_off(base_, engine.book_life_years, years), r.rate), 1);
    }
    else if (p.rule === "distribution") { given = rules.distribution(fen(net), fen(rules.write_off(cost, engine.book_life_years, years)), fen(repaid), r.rate[0]); return; }
    else { addUp(r.terms, total, amount); }
    items[p.item] = items[p.item] ? items[p.item].map(function (v, n) { return v + amount[n]; }) : amount;
    if (p.item !== "loan" && p.item !== "grant") { cost -= sign * amount[0]; }
    for (y = 0; y < years; y++) {
      net[y] += sign * amount[y + 1];
      if (p.item === "principal") { repaid[y] += amount[y + 1]; }
    }
  });
  var watts = 0, heads = 0;
  members.forEach(function (h) { if (homes.member[h]) { watts += homes.watts[h]; heads += 1; } });
  return function (h, out) {
    if (!homes.member[h] || !given) { return; }
    var alike = heads ? coop.equal_share / heads : 0, byWatts = watts ? (1 - coop.equal_share - coop.withheld) * homes.watts[h] / watts : 0;
    for (var n = 0; n < years; n++) { out[n + 1] += given.dividend[n] / 100 * (alike + byWatts); }
  };
}

/* First year, mean of all years, payback and capital of each household under a model.
   "plan" is each household's own; where a model is not allowed there are no numbers. */
function reckon(homes, model, set) {
  var count = homes.energy_kwh.length, net = new Float64Array(engine.years + 1);
  function blank() { return new Float64Array(count).fill(NaN); }
  var out = { first: blank(), mean: blank(), payback: blank(), capital: blank() };
  var names = model === "plan" ? data.models.filter(isUsed) : [model];
  engines.forEach(function (own, part) {
    useVillage(part);
    names.forEach(function (name) {
      if (!isLive(name)) { return; }
      var rows = model === "plan" ? chose(homes, name) : membersOf(homes, name);
      if (!rows.length) { return; }
      var made = modelOf(homes, name, set, rows);
      rows.forEach(function (h) { made.fill(h, net); out.capital[h] = made.capital(h); measures(net, h, out); });
    });
  });
  useVillage(0);
  return out;
}
function allowed(homes, h, model) { return engines[partOf(homes, h)].allowed[textAt(homes.project_class, h)].indexOf(model) >= 0; }
function isUsed(model) { return engines.some(function (own) { return own.used.indexOf(model) >= 0; }); }
function here(homes, h) { return engines[partOf(homes, h)] === engine; }
/* Whose dividends depend on who is poor can't be reckoned without saying who is. */
function isLive(model) { return engine.models[model].owner !== "collective" || engines.every(function (own) { return own.cooperative.live; }); }
function chose(homes, model) {
  var out = [];
  for (var h = 0; h < homes.energy_kwh.length; h++) { if (here(homes, h) && textAt(homes.model, h) === model && allowed(homes, h, model)) { out.push(h); } }
  return out;
}
/* Whom a model is reckoned for: a collective's are those who chose it, or all that may. */
function membersOf(homes, model) {
  var own = engine.models[model].owner === "collective" ? chose(homes, model) : [], out = [];
  if (own.length) { return own; }
  for (var h = 0; h < homes.energy_kwh.length; h++) { if (here(homes, h) && allowed(homes, h, model)) { out.push(h); } }
  return out;
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

/* Models for the settings of now are made once for all cards. */
var madeNow = {};
function modelNow(homes, model) {
  var key = engines.indexOf(engine) + " " + model;
  if (!madeNow[key]) {
    var members = membersOf(homes, model);
    madeNow[key] = { made: modelOf(homes, model, state.settings, members), members: new Set(members) };
  }
  return madeNow[key];
}
function flowsOf(homes, h, model) {
  var net = new Float64Array(engine.years + 1);
  useVillage(partOf(homes, h));
  modelNow(homes, model).made.fill(h, net);
  useVillage(0);
  return net;
}
/* Cumulated cash of one household, year by year. */
function cashLine(homes, h, model) {
  var net = flowsOf(homes, h, model);
  for (var y = 1; y <= engine.years; y++) { net[y] += net[y - 1]; }
  return net;
}
/* What a household receives and pays in the first year, item by item. */
function firstYear(homes, h, model) {
  useVillage(partOf(homes, h));
  var out = firstYearHere(homes, h, model);
  useVillage(0);
  return out;
}
function firstYearHere(homes, h, model) {
  if (!(homes.watts[h] > 0) || !allowed(homes, h, model) || !isLive(model) || !modelNow(homes, model).members.has(h)) { return []; }
  var made = modelNow(homes, model).made, work = quantities(homes, h, made.rates, state.settings, engine.quantities, workSpace()), out = [];
  made.rows.forEach(function (r) {
    if (!r.sign) { return; }
    var net = new Float64Array(engine.years + 1);
    if (r.terms) { addUp(r.terms, work, net); } else if (made.dividend) { made.dividend(h, net); }
    if (net[1]) { out.push([r.row.item, r.sign * net[1]]); }
  });
  return out;
}

function factorOf(set) { return set.factor !== undefined ? set.factor : engine.factor; }
