/* What each household gets under each model: the rows of models.csv again, for other prices. */
var engines, engine;
/* Each village has its own prices, books and rules: one of them at a time. */
function partOf(homes, h) { return engines.length > 1 ? homes.part[h] : 0; }
function useVillage(part) { engine = engines[part]; }

/* The closed list of rules, as money/taxes.py and money/surplus.py have it; both run the same golden vectors. */
var rules = {
  /* Halves to the even fen, as Python rounds. */
  even: function (value) { var whole = Math.floor(value), part = value - whole; return part === 0.5 ? whole + (whole % 2 ? 1 : 0) : Math.round(value); },
  fen: function (value) { return rules.even(value * 100) / 100; },
  at_most: function (sum, most) { return most === most ? Math.min(sum, most) : NaN; },
  members_lend: function (share, asked, left) { return asked > 0 ? Math.min(share, Math.max(left, 0) / asked) : share; },
  instalment: function (principal, rate) { return rate.map(function (r) { return principal * r; }); },
  vat: function (sales, quarters, free, most, rate, general) {
    var is_general = general.from === "general", credit = 0;
    return sales.map(function (sold, y) {
      var small = rate[y];
      if (general.from === "auto" && sold / (1 + small) > general.limit) { is_general = true; }
      if (sold !== sold) { return NaN; }
      if (is_general) {
        var due = sold * general.rate / (1 + general.rate) - general.input[y] - credit;
        credit = Math.max(-due, 0);
        return Math.max(due, 0);
      }
      return quarters[y].reduce(function (sum, part) {
        var net = sold * part / (1 + small);
        return sum + (free[y] && rules.fen(net) < most ? 0 : net * small);
      }, 0);
    });
  },
  person_vat: function (sales, months, free, most, rate) {
    return sales.map(function (sold, y) {
      return months[y].reduce(function (sum, part) {
        var net = sold * part / (1 + rate[y]);
        return sum + (free[y] && rules.fen(net) < most ? 0 : net * rate[y]);
      }, 0);
    });
  },
  person_tax: function (profit, written_off, allowance, bands) {
    return profit.map(function (value, y) {
      var left = Math.max(value - written_off[y] - allowance, 0), before = 0, owed = 0;
      bands.forEach(function (band) { var to = band[0] === null ? Infinity : band[0]; owed += Math.min(Math.max(left - before, 0), to - before) * band[1]; before = to; });
      return value === value ? owed : NaN;
    });
  },
  rent_tax: function (rent, at_once, law) {
    var months = at_once ? 1 : 12;
    return rent.map(function (value) {
      var receipt = value / months;
      return (receipt <= law.off_to ? Math.max(receipt - law.off, 0) : receipt * (1 - law.off_share)) * law.rate * months;
    });
  },
  profit_tax: function (profit, written_off, rate, above, limit, loss_years) {
    var losses = [];
    return profit.map(function (value, y) {
      var left = value - written_off[y], rest = left;
      losses = losses.slice(-loss_years);
      if (left >= 0) { losses = losses.map(function (loss) { var used = Math.min(loss, rest); rest -= used; return loss - used; }); }
      losses.push(Math.max(-left, 0));
      return left === left ? Math.max(rest, 0) * (rest > limit ? above[y] : rate[y]) : NaN;
    });
  },
  /* Straight line over a life, in whole fen by any year; what is left at the end goes with the plant. */
  write_off: function (cost, life, times) {
    var before = 0;
    return times.map(function (time, y) {
      var now = rules.even(cost * 100 * (y === times.length - 1 ? 1 : Math.min(time / life, 1))), part = (now - before) / 100;
      before = now;
      return part;
    });
  },
  /* For what is spent later, alike in the years since the last. */
  provide: function (spent) {
    var out = spent.map(function () { return 0; }), since = 0;
    spent.forEach(function (sum, y) {
      if (!(sum > 0)) { return; }
      for (var n = 0, count = y + 1 - since, before = 0; n < count; n++) {
        var now = rules.even(sum * 100 * (n + 1) / count);
        out[since + n] = (now - before) / 100; before = now;
      }
      since = y + 1;
    });
    return out;
  },
  /* Fen. Losses of earlier years, then the reserve's share, then members as far as there is cash. */
  distribution: function (left, written_off, repaid, set_aside, rate, most) {
    var cash = 0, reserve = 0, pool = 0, aside = 0, out = { dividend: [], cash: [], reserve: [], undistributed: [] };
    left.forEach(function (value, y) {
      var given = 0, surplus = value + repaid[y] - written_off[y] - set_aside[y];
      cash += value; pool += surplus; aside += set_aside[y];
      if (pool < 0) { var drawn = Math.min(reserve, -pool); reserve -= drawn; pool += drawn; }
      if (pool > 0) {
        var kept = Math.floor(Math.max(Math.min(pool, surplus), 0) * rate + 0.5 + 1e-6);
        if (most !== null) { kept = Math.min(kept, Math.max(most - reserve, 0)); }
        reserve += kept; pool -= kept;
        given = Math.floor(Math.min(pool, Math.max(cash - aside, 0)) + 1e-4);
        cash -= given; pool -= given;
      }
      out.dividend.push(value === value ? given : NaN); out.cash.push(cash); out.reserve.push(reserve); out.undistributed.push(pool);
    });
    return out;
  }
};

/* A kilowatt-hour by the months and hours in which it comes: its own market price and the mechanism's difference. */
function exportPrice(rates, y, month, hour) {
  var paid = rates.price_fixed[y] + month * rates.price_market[y];
  return hour === 1 || !engine.own_hours ? paid : paid + month * (hour - 1) * rates.price_alone[y];
}
/* Rates of the plan for a model, with those that the sliders set; one for each year of life. */
function ratesOf(set, model) {
  var life = engine.life, out = Object.assign({}, engine.rates, engine.models[model].rates), rule = engine.mechanism, y;
  function flat(value) { return new Array(life).fill(value); }
  if (set.export_price !== undefined) { out.price_fixed = flat(set.export_price * engine.price_factor); out.price_market = flat(0); out.price_alone = flat(0); }
  else if (rule && set.mechanism_share !== undefined) {
    out.price_fixed = []; out.price_market = [];
    for (y = 0; y < life; y++) {
      out.price_fixed.push(y < rule.years ? set.mechanism_share * rule.price : 0);
      out.price_market.push((y < rule.years ? 1 - set.mechanism_share : 1) * rule.market[y]);
    }
  }
  if (set.price_times !== undefined) {
    ["price_fixed", "price_market", "price_alone"].forEach(function (name) { out[name] = out[name].map(function (v) { return v === null ? v : v * set.price_times; }); });
  }
  out.sale_price = out.price_fixed.map(function (price, n) { return exportPrice(out, n, engine.month_worth, engine.hour_worth) + out.subsidy[n]; });
  var cost = set.capex_per_w !== undefined ? set.capex_per_w : set.capex_times !== undefined ? engine.rates.capex_per_w[0] * set.capex_times : undefined;
  if (cost !== undefined && engine.known) {
    // What the plant still brings is a part of what it cost.
    ["residual_per_w", "residual_after_per_w"].forEach(function (name) { out[name] = out[name].map(function (v) { return v * cost / out.capex_per_w[0]; }); });
    out.capex_per_w = flat(cost);
  }
  if (set.self_use_price !== undefined) { out.self_use_price = flat(set.self_use_price); }
  if (set.self_use_times !== undefined) { out.self_use_price = out.self_use_price.map(function (v) { return v === null ? v : v * set.self_use_times; }); }
  return out;
}
/* A rate of models.csv: named ones and numbers, multiplied; 1-x is what x leaves. */
function rateOf(rates, words_) {
  var out = new Array(engine.life).fill(1);
  words_.split("*").forEach(function (word) {
    word = word.trim();
    var number_ = /^[0-9.]+$/.test(word) ? Number(word) : null, rest = word.slice(0, 2) === "1-";
    var own = number_ === null ? rates[rest ? word.slice(2) : word] : null;
    out = out.map(function (v, y) { return v * (number_ !== null ? number_ : rest ? 1 - own[y] : own[y]); });
  });
  return out;
}

/* Years of life as calendar years, one of which a year of life is parted by. */
function spread(values, part, out) {
  var life = engine.life, y;
  if (engine.whole) { for (y = 0; y < life; y++) { out[y + 1] += values[y]; } return; }
  for (y = 0; y < life; y++) { out[y + 1] += part * values[y]; out[y + 2] += (1 - part) * values[y]; }
}
var WAYS = { days: function (v, out) { spread(v, engine.part, out); }, made: function (v, out) { spread(v, engine.part_made, out); },
  end: function (v, out) { for (var y = 0; y < engine.life; y++) { out[y + (engine.whole ? 1 : 2)] += v[y]; } },
  calendar: function (v, out) { for (var y = 0; y < v.length; y++) { out[y + 1] += v[y]; } },
  within: function (v, out) { for (var y = 0; y < engine.life; y++) { out[y + (engine.whole || engine.part >= 0.5 ? 1 : 2)] += v[y]; } } };

var YEARLY = ["made", "self_used", "exported", "bill_difference", "surplus_sales", "standing", "let_units"];
var GENERATED = YEARLY.slice(0, 5), BY_ITEM = { loan: 1, instalment: 1 };
var OWN_RULES = ["person_vat", "person_tax", "hall_tax", "rent_tax"];
function wayOf(p) { return p.rule === "events" ? "within" : p.when === "end" ? "end" : GENERATED.indexOf(p.quantity) >= 0 ? "made" : "days"; }

/* Sums of quantities times rates, by how they are paid: way -> quantity -> a rate for each year of life ("start": one). */
function addTerms(into, terms, sign) {
  Object.keys(terms).forEach(function (way) {
    var held = into[way] = into[way] || {};
    Object.keys(terms[way]).forEach(function (q) {
      held[q] = terms[way][q].map(function (v, y) { return (held[q] ? held[q][y] : 0) + sign * v; });
    });
  });
  return into;
}
function scaledTerms(terms, act) {
  var out = {};
  Object.keys(terms || {}).forEach(function (way) {
    out[way] = {};
    Object.keys(terms[way]).forEach(function (q) { out[way][q] = act(terms[way][q]); });
  });
  return out;
}
/* Payments as such sums; what is no such sum keeps its rule. */
function compile(model, rates) {
  var known_ = {}, rows = [], cost = rates.capex_per_w[0];
  function one(way, q, rate) { var out = {}; out[way] = {}; out[way][q] = rate; return out; }
  function begun(item) { return { start: (known_[item] || {}).start || {} }; }
  engine.models[model].payments.forEach(function (p) {
    var rate = p.rule === "instalment" ? [] : rateOf(rates, p.rate), terms = {};
    if (OWN_RULES.indexOf(p.rule) >= 0 || p.rule === "vat" || p.rule === "surcharge" || p.rule === "profit_tax" || p.rule === "distribution" || p.rule === "at_most") { terms = null; }
    else if (p.rule === "loan") {
      p.quantity.split(" ").forEach(function (item, n) { addTerms(terms, scaledTerms(begun(item), function (v) { return [v[0] * rate[0]]; }), n ? -1 : 1); });
    } else if (p.rule === "instalment") {
      var lent = begun(p.quantity).start;
      terms = { calendar: {} };
      Object.keys(lent).forEach(function (q) { terms.calendar[q] = engine.instalments[p.rate].map(function (r) { return lent[q][0] * r; }); });
    } else if (engine.quantities.indexOf(p.quantity) < 0) {
      terms = p.when === "start" ? scaledTerms(begun(p.quantity), function (v) { return [v[0] * rate[0]]; })
        : scaledTerms(known_[p.quantity], function (v) { return v.map(function (w) { return w * rate[0]; }); });
      if (p.when !== "start") { delete terms.start; }
    } else if (p.quantity === "capital") { terms = one("start", "watts", [cost * rate[0]]); }
    else if (p.when === "start") { terms = one("start", p.quantity, [rate[0]]); }
    else { terms = one(wayOf(p), p.quantity, rate); }
    if (terms) { known_[p.item] = addTerms(known_[p.item] || {}, terms, 1); }
    rows.push({ row: p, rate: rate, terms: terms, sign: (p.payee === "household") - (p.payer === "household") });
  });
  rows.items = known_;
  return rows;
}
/* Coefficients of a household's own payments, signs included. */
function ownOf(rows) {
  return rows.reduce(function (out, r) { return r.sign && r.terms ? addTerms(out, r.terms, r.sign) : out; }, {});
}
function wanted_(terms) {
  var out = [];
  Object.keys(terms).forEach(function (way) { out = out.concat(Object.keys(terms[way])); });
  return out;
}

/* One household's quantities: numbers, or years of life where wear and hours count. */
function quantities(homes, h, rates, set, wanted, work) {
  var watts = homes.watts[h], basis = engine.rent_basis, life = engine.life, y;
  work.watts = watts;
  work.modules = homes.modules[h];
  work.free_kwh = homes.free_kwh[h];
  work.battery = watts > 0 ? engine.battery_kwh : 0;
  work.members_capital = homes.member[h] ? watts * rates.capex_per_w[0] : 0;
  work.class_grant = Math.min(watts * (engine.class_grant[textAt(homes.project_class, h)] || 0), watts * rates.capex_per_w[0]);
  work.rent_units = basis === "module" ? homes.modules[h] : basis === "m2" ? homes.modules[h] * engine.area
    : basis === "kwp" ? watts / 1000 : watts > 0 ? 1 : 0;
  if (!wanted.some(function (q) { return YEARLY.indexOf(q) >= 0; })) { return work; }
  var energy = homes.energy_kwh[h] * letThrough(homes, h), there = rates.there;
  for (y = 0; y < life; y++) {
    work.made[y] = energy * engine.made[y] * there[y];
    work.standing[y] = watts * engine.standing[y];
    work.let_units[y] = work.rent_units * engine.standing[y];
  }
  if (!wanted.some(function (q) { return GENERATED.indexOf(q) > 0; })) { return work; }
  var nodes = engine.nodes, flat = engine.self_use_share, worth = homes.worth[h];
  for (y = 0; y < life; y++) {
    var made = work.made[y], used, saved, lost = 0;
    if (flat !== null) {
      used = Math.min(flat * made, homes.used_cap[h]);
      saved = used * rates.self_use_price[y];
    } else {
      var a = nodes.below[y], b = nodes.above[y], way = nodes.way[y];
      used = Math.min(Math.max(mix(homes["used_" + a][h], homes["used_" + b][h], way), 0), made);
      saved = (set.self_use_price !== undefined ? used * rates.self_use_price[y] : mix(homes["saved_" + a][h], homes["saved_" + b][h], way) * (set.self_use_times || 1)) * there[y];
      lost = Math.max(mix(homes["lost_" + a][h], homes["lost_" + b][h], way), 0);
    }
    var sold = Math.max(made - used - lost, 0);
    work.self_used[y] = used;
    work.exported[y] = sold;
    work.bill_difference[y] = watts > 0 ? saved : 0;
    work.surplus_sales[y] = sold * exportPrice(rates, y, homes.month_worth[h], worth) + made * rates.subsidy[y];
  }
  return work;
}
/* What limits of the grid leave of a household's energy. */
function letThrough(homes, h) { return homes.let_through ? homes.let_through[h] : 1; }
function mix(low, high, way) { return low + way * (high - low); }
function workSpace() {
  var work = {};
  YEARLY.forEach(function (q) { work[q] = new Float64Array(engine.life); });
  return work;
}
/* Sum of coefficients times quantities, added to "out" (year 0 first). */
function addUp(terms, work, out) {
  Object.keys(terms).forEach(function (way) {
    var own = terms[way], life = engine.life;
    if (way === "start") { Object.keys(own).forEach(function (q) { out[0] += own[q][0] * work[q]; }); return; }
    if (way === "calendar") { life = engine.years; }
    var sum = new Float64Array(life);
    Object.keys(own).forEach(function (q) {
      var rate = own[q], value = work[q], y;
      if (typeof value === "number") { for (y = 0; y < life; y++) { sum[y] += value * rate[y]; } }
      else { for (y = 0; y < life; y++) { sum[y] += value[y] * rate[y]; } }
    });
    WAYS[way](sum, out);
  });
  return out;
}
function amountOf(terms, work) { return addUp(terms || {}, work, new Float64Array(engine.years + 1)); }
function yearsOf(amount) { return Array.from(amount).slice(1); }

/* A plant's write-off in whole fen by any year, what is demolished with it. */
function writtenOff(cost) {
  var before = 0;
  return engine.done.map(function (v) { var now = rules.even(cost * 100 * v), part = (now - before) / 100; before = now; return part; });
}
/* What a household owes by its own rules: "each" is called with a row and its amount a year. */
function ownTaxes(homes, h, rows, work, each) {
  var hall = homes.own[h] && textAt(homes.project_class, h) === "general_commercial";
  var own = rows.filter(function (r) { return r.sign && OWN_RULES.indexOf(r.row.rule) >= 0 && (r.row.rule === "hall_tax") === !!hall; });
  if (!own.length) { return; }
  var paid = new Float64Array(engine.years), held = {};
  /* Of most households no year comes near any limit: then nothing is owed, and nothing reckoned. */
  function mostOf(name) {
    if (held[name] === undefined) {
      var amount = amountOf(rows.items[name], work), most = 0;
      for (var y = 1; y < amount.length; y++) { if (!(amount[y] <= most)) { most = amount[y]; } }
      held[name] = most;
    }
    return held[name];
  }
  own.forEach(function (r) {
    var p = r.row, owed, item = rows.items, ahead = 0;
    if (p.rule === "person_vat" && engine.vat_free.every(Boolean) && mostOf(p.quantity) < engine.vat_free_per_sale) { return; }
    if (p.rule === "person_tax" && !hall && mostOf(p.quantity) <= engine.person_off) { return; }
    if (p.rule === "person_vat") { owed = rules.person_vat(yearsOf(amountOf(item[p.quantity], work)), engine.months, engine.vat_free, engine.vat_free_per_sale, engine.vat_rate); }
    else if (p.rule === "rent_tax") {
      owed = rules.rent_tax(yearsOf(amountOf(item[p.quantity], work)), engine.rent_at_once, engine.rent_law);
      ahead = rules.rent_tax([amountOf(item.rent_once, work)[0] / engine.rent_years], engine.rent_at_once, engine.rent_law)[0] * engine.rent_years;
    }
    else {
      if (!r.taxed) {
        r.taxed = rows.reduce(function (out, o) {
          var counts = o.terms && o.row.item !== "principal" && (o.row.payer === "household" || (o.row.payee === "household" && o.row.item === p.quantity));
          return counts ? addTerms(out, o.terms, o.row.payer === "household" ? -1 : 1) : out;
        }, {});
        delete r.taxed.start;
      }
      var cost = amountOf(item.capital, work)[0] - amountOf(item.class_grant, work)[0];
      var profit = yearsOf(amountOf(r.taxed, work)).map(function (v, y) { return v - paid[y]; }), written = engine.done.map(function (v, y) { return (v - (y ? engine.done[y - 1] : 0)) * cost; });
      owed = hall ? rules.profit_tax(profit, written, engine.tax_rates[0], engine.tax_rates[1], engine.tax_limit, engine.loss_years) : rules.person_tax(profit, written, engine.person_off, engine.business_bands);
    }
    owed.forEach(function (v, y) { paid[y] += v; });
    each(r, owed, ahead);
  });
}

/* Rates with the share that members lend cut to what grants leave of the plant. */
function membersRates(homes, members, rates) {
  if (!rates.member_loan_share[0]) { return rates; }
  var work = {}, asked = 0, left = 0;
  members.forEach(function (h) {
    quantities(homes, h, rates, {}, [], work);
    asked += work.members_capital;
    left += work.watts * rates.capex_per_w[0] - work.class_grant;
  });
  left -= rules.at_most(rates.grant[0], left);
  rates.member_loan_share = rates.member_loan_share.map(function (share) { return rules.members_lend(share, asked, left); });
  return rates;
}

/* The households' flows under a model: a function that fills "net" for one of them. */
function modelOf(homes, model, set, members) {
  var rates = membersRates(homes, members, ratesOf(set, model)), rows = compile(model, rates), own = ownOf(rows), wanted = wanted_(own), work = workSpace();
  var pooled = engine.models[model].owner === "collective";
  var dividend = pooled ? dividends(homes, members, rows, rates, set) : null;
  // Money that was lent and comes back is no income.
  var back = rows.reduce(function (out, r) { return r.row.item === "member_principal" ? addTerms(out, r.terms, 1) : out; }, {});
  var lends = Object.keys(back).length > 0;
  return {
    rows: rows, rates: rates, pooled: pooled, dividend: dividend,
    back: function (h) { return lends ? amountOf(back, quantities(homes, h, rates, set, wanted, work)) : null; },
    capital: function (h) {
      return rows.reduce(function (sum, r) {
        var lent = r.row.item === "member_loan" && homes.member[h] ? homes.watts[h] * rates.capex_per_w[0] * r.rate[0] : 0;
        var stored = r.row.item === "battery" && r.row.when === "start" && r.row.payer === "household" && homes.watts[h] > 0 ? engine.battery_kwh * r.rate[0] : 0;
        return sum + lent + stored + (r.row.item === "capital" && r.row.payer === "household" ? homes.watts[h] * r.rate[0] : 0);
      }, 0);
    },
    fill: function (h, net) {
      net.fill(0);
      addUp(own, quantities(homes, h, rates, set, wanted, work), net);
      ownTaxes(homes, h, rows, work, function (r, owed, ahead) { net[0] -= ahead; owed.forEach(function (v, y) { net[y + 1] -= v; }); });
      if (dividend) { dividend(h, net, 1 - engine.dividend_tax); }
    }
  };
}
/* The collective's year by its rows, in their order; returns what adds a member's dividends. */
function dividends(homes, members, rows, rates, set) {
  var years = engine.years, coop = engine.cooperative, total = workSpace(), work = workSpace();
  var every = engine.quantities.filter(function (q) { return q !== "capital"; });
  every.forEach(function (q) { if (YEARLY.indexOf(q) < 0) { total[q] = 0; } });
  members.forEach(function (h) {
    quantities(homes, h, rates, set, every, work);
    every.forEach(function (q) {
      if (typeof work[q] === "number") { total[q] += work[q]; } else { for (var y = 0; y < engine.life; y++) { total[q][y] += work[q][y]; } }
    });
  });
  var items = {}, net = new Float64Array(years), repaid = new Float64Array(years), spent = new Float64Array(years), given = null, cost = 0, own = 0, y;
  function fen(values) { return Array.from(values, function (v) { return rules.even(v * 100); }); }
  function at(item) { return items[item] ? items[item][0] : 0; }
  function off(names) { return names.slice(1).reduce(function (sum, name) { return sum - at(name); }, at(names[0])); }
  function base(names) { return names.reduce(function (sum, name) { return sum + (name === "grant" || name === "class_grant" ? -1 : 1) * at(name); }, 0); }
  rows.forEach(function (r) {
    var p = r.row, sign = (p.payee === "collective") - (p.payer === "collective"), amount = new Float64Array(years + 1);
    if (p.rule === "at_most") { amount[0] = rules.at_most(r.rate[0], off(p.quantity.split(" "))); }
    else if (p.rule === "loan") { amount[0] = Math.max(off(p.quantity.split(" ")), 0) * r.rate[0]; }
    else if (p.rule === "instalment") { amount.set(rules.instalment(at(p.quantity), engine.instalments[p.rate]), 1); }
    else if (p.rule === "vat") {
      if (!engine.taxed) { return; }
      var sales = new Array(years).fill(0), bought = new Array(years).fill(0);
      p.quantity.split(" ").forEach(function (name) { if (items[name]) { sales = sales.map(function (v, n) { return v + (items[name].of ? items[name][n + 1] : 0); }); } });
      bought[0] = at("capital") * engine.vat_general / (1 + engine.vat_general);
      amount.set(rules.vat(sales, engine.quarters, engine.vat_free, engine.vat_free_per_quarter, engine.vat_rate,
        { from: "auto", limit: engine.vat_limit, rate: engine.vat_general, input: bought }), 1);
    }
    else if (p.rule === "surcharge") { if (items[p.quantity]) { for (y = 1; y <= years; y++) { amount[y] = items[p.quantity][y] * engine.city_tax[y - 1]; } } }
    else if (p.rule === "profit_tax") {
      amount.set(rules.profit_tax(Array.from(net, function (v, n) { return v + repaid[n]; }),
        writtenOff(base(p.quantity.split(" "))), engine.tax_rates[0], engine.tax_rates[1], engine.tax_limit, engine.loss_years), 1);
    }
    else if (p.rule === "distribution") {
      var aside = coop.provision ? rules.provide(Array.from(spent)).map(function (v, n) { return v - spent[n]; }) : Array.from(spent, function () { return 0; });
      given = rules.distribution(fen(net), fen(writtenOff(cost)), fen(repaid), fen(aside), r.rate[0],
        coop.reserve_most === null ? null : rules.even(own * coop.reserve_most * 100));
      return;
    }
    else if (OWN_RULES.indexOf(p.rule) >= 0 || p.rule === "dividend_tax") { return; }
    else if (engine.quantities.indexOf(p.quantity) < 0) {
      if (p.when === "start") { amount[0] = at(p.quantity) * r.rate[0]; }
      else if (items[p.quantity]) { for (y = 1; y <= years; y++) { amount[y] = items[p.quantity][y] * r.rate[0]; } }
    }
    else { addUp(r.terms, total, amount); }
    items[p.item] = items[p.item] ? items[p.item].map(function (v, n) { return v + amount[n]; }) : amount;
    // Whether it passed through the collective's hands: only that is its sale.
    items[p.item].of = sign !== 0;
    if (["loan", "member_loan", "grant", "class_grant"].indexOf(p.item) < 0) { cost -= sign * amount[0]; }
    own -= sign * amount[0];
    for (y = 0; y < years; y++) {
      net[y] += sign * amount[y + 1];
      if (p.item === "principal" || p.item === "member_principal") { repaid[y] += amount[y + 1]; }
      if (p.item === "inverter" || p.item === "decommissioning") { spent[y] += amount[y + 1]; }
    }
  });
  var volume = 0, heads = 0, by = coop.by_volume ? homes.energy_kwh : homes.watts;
  members.forEach(function (h) { if (homes.member[h]) { volume += by[h]; heads += 1; } });
  return function (h, out, left) {
    if (!homes.member[h] || !given) { return; }
    var alike = heads ? coop.equal_share / heads : 0, byVolume = volume ? (1 - coop.equal_share - coop.withheld) * by[h] / volume : 0;
    for (var n = 0; n < years; n++) { out[n + 1] += given.dividend[n] / 100 * (alike + byVolume) * left; }
  };
}

/* What each household itself pays for its plant, as planned. */
function ownCapital(homes) {
  var out = new Float64Array(homes.watts.length).fill(NaN);
  engines.forEach(function (own, part) {
    useVillage(part);
    data.models.filter(isUsed).forEach(function (name) {
      var rows = chose(homes, name), made = rows.length ? modelOf(homes, name, {}, rows) : null;
      rows.forEach(function (h) { out[h] = made.capital(h); });
    });
  });
  useVillage(0);
  return out;
}
/* What the plants of some roofs cost, by who pays for them; a public building's own payer is not told. */
function capitalBy(roofs, model, set) {
  var homes = tables.households, out = {}, all = roofs.all && roofs.length === view.roofs.count, share = new Float64Array(homes.watts.length), h;
  if (all) { share.fill(1); }
  else { roofs.forEach(function (i) { for (var n = view.linkStart[i]; n < view.linkStart[i + 1]; n++) { share[tables.links.home[n]] += tables.links.cost[n]; } }); }
  engines.forEach(function (own, part) {
    useVillage(part);
    (model === "plan" ? data.models.filter(isUsed) : [model]).forEach(function (name) {
      var members = model === "plan" ? chose(homes, name) : membersOf(homes, name), rates = ratesOf(set, name), stored = 0;
      engine.models[name].payments.forEach(function (p) { if (p.item === "battery" && p.when === "start") { stored = engine.battery_kwh * rateOf(rates, p.rate)[0]; } });
      members.forEach(function (m) {
        var watts = homes.watts[m], payer = view.ledger && homes.own[m] ? "public_buildings" : engine.models[name].owner;
        if (watts > 0) { out[payer] = (out[payer] || 0) + share[m] * (watts * rates.capex_per_w[0] + stored); }
      });
    });
  });
  useVillage(0);
  return out;
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
      rows.forEach(function (h) { made.fill(h, net); out.capital[h] = made.capital(h); measures(net, h, out, made.back(h)); });
    });
  });
  useVillage(0);
  return out;
}
function allowed(homes, h, model) { return engines[partOf(homes, h)].allowed[textAt(homes.project_class, h)].indexOf(model) >= 0; }
function isUsed(model) { return engines.some(function (own) { return own.used.indexOf(model) >= 0; }); }
function here(homes, h) { return engines[partOf(homes, h)] === engine; }
/* Whose dividends depend on who is poor can't be reckoned without saying who is. */
function isLive(model) {
  // What happens to single roofs is reckoned by the plan alone.
  return engines.every(function (own) { return !own.by_roof && (own.models[model].owner !== "collective" || own.cooperative.live); });
}
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

function fenOf(value) { return value === value ? Math.round(value * 100) / 100 : value; }
function measures(net, h, out, back) {
  var years = engine.years, total = 0, sum = 0, last = -1, before = 0, y;
  for (y = 0; y <= years; y++) {
    total += net[y];
    if (y) { sum += net[y]; }
    if (total < 0) { last = y; before = total; }
  }
  var at = last > 0 ? engine.times[last - 1] : 0;
  var first = engine.first_whole, lent = 0;
  if (back) { for (y = 1; y <= years; y++) { lent += back[y]; } }
  out.first[h] = fenOf(net[first] - (back ? back[first] : 0));
  out.mean[h] = fenOf((sum - lent) / engine.life);
  out.payback[h] = net[0] < 0 && last < years && sum === sum ? at - before / net[last + 1] * (engine.times[last] - at) : NaN;
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
  var year = engine.first_whole;
  made.rows.forEach(function (r) {
    if (!r.sign || r.row.item === "member_principal") { return; }
    var net = new Float64Array(engine.years + 1);
    if (r.terms && r.row.rule !== "dividend_tax") { addUp(r.terms, work, net); }
    else if (r.row.rule === "distribution" || r.row.rule === "dividend_tax") { made.dividend(h, net, r.row.rule === "distribution" ? 1 : engine.dividend_tax); }
    if (net[year]) { out.push(Object.assign({ item: r.row.item, amount: r.sign * net[year], source: r.row.source }, basisOf(r, work, net[year], year))); }
  });
  ownTaxes(homes, h, made.rows, work, function (r, owed) { if (owed[year - 1]) { out.push({ item: r.row.item, amount: -owed[year - 1], source: r.row.source }); } });
  return out;
}
/* What a payment is reckoned on: a quantity and its rate, where it is one of each. */
var UNITS_OF = { made: "kWh", self_used: "kWh", exported: "kWh", free_kwh: "kWh", watts: "W", standing: "W", modules: "module", rent_units: "", let_units: "" };
var ENERGY_OF = { bill_difference: "self_used", surplus_sales: "exported" };
function basisOf(r, work, amount, year) {
  var ways = Object.keys(r.terms || {}), own = ways.length === 1 ? Object.keys(r.terms[ways[0]]) : [];
  if (own.length !== 1 || ways[0] === "start") { return {}; }
  var name = ENERGY_OF[own[0]] || own[0], ones = {};
  if (UNITS_OF[name] === undefined) { return {}; }
  ones[ways[0]] = {};
  ones[ways[0]][name] = new Array(engine.life).fill(1);
  var quantity = amountOf(ones, work)[year];
  return quantity ? { quantity: quantity, unit: UNITS_OF[name], rate: amount / quantity } : {};
}
/* Energy of the first whole year, before what is curtailed. */
function firstMade(homes, h) {
  var out = new Float64Array(engine.years + 1);
  spread(engine.made.map(function (v) { return v * homes.energy_kwh[h]; }), engine.part_made, out);
  return out[engine.first_whole];
}

function factorOf(set) { return set.factor !== undefined ? set.factor : set.factor_times !== undefined ? engine.factor * set.factor_times : engine.factor; }
