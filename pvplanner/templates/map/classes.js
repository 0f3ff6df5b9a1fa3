/* Classes of colours: mapping/classes.py again, for what sliders and models give. */
var FAINT = 254, NONE = 255, UNKNOWN = 253, NEVER = 252, NOTHING = 251, HALL = 16, MOST_CLASSES = 6;
/* What has no value: not built, not known, never pays back, nothing invested; each its own sign. */
var SIGNS = {}; SIGNS[NONE] = "no_modules"; SIGNS[UNKNOWN] = "not_known"; SIGNS[NEVER] = "never_pays_back"; SIGNS[NOTHING] = "nothing_invested";
var SIGN_LOOKS = {};
SIGN_LOOKS[NONE] = { fill: "#c3c9ce" }; SIGN_LOOKS[UNKNOWN] = { fill: "#ffffff", line: "#7b8794" };
SIGN_LOOKS[NEVER] = { fill: "#fbd3cd", line: "#b2182b" }; SIGN_LOOKS[NOTHING] = { fill: "#dcecf8", dot: "#2166ac" };

function shortNumber(value) { return Number(value.toPrecision(10)); }
function quantileOf(v, share) {
  var at = share * (v.length - 1), low = Math.floor(at), high = Math.min(low + 1, v.length - 1);
  return v[low] + (v[high] - v[low]) * (at - low);
}
function roundStep(least) {
  if (!(least > 0)) { return 0; }
  var size = Math.pow(10, Math.floor(Math.log10(least))), parts = [1, 2, 5, 10], k = 0;
  while (!(parts[k] * size >= least * (1 - 1e-12))) { k += 1; }
  return shortNumber(parts[k] * size);
}
function niceBetween(low, high) {
  for (var size = Math.pow(10, Math.ceil(Math.log10(high - low))); ; size /= 10) {
    for (var k = 0; k < 3; k++) {
      var part = [1, 0.5, 0.2][k], found = shortNumber((Math.floor(low / (part * size)) + 1) * part * size);
      if (low < found && found <= high) { return found; }
    }
  }
}
/* How many sorted values lie below a limit. */
function below(v, limit) {
  var low = 0, high = v.length;
  while (low < high) { var middle = (low + high) >> 1; if (v[middle] < limit) { low = middle + 1; } else { high = middle; } }
  return low;
}
function gapLimits(v, least, most) {
  var span = v[v.length - 1] - v[0], steps = [], n;
  for (n = 0; n + 1 < v.length; n++) { steps.push(n); }
  steps.sort(function (a, b) { return (v[b + 1] - v[b]) - (v[a + 1] - v[a]) || a - b; });
  for (var count = 1; count <= Math.min(steps.length, most - 1); count++) {
    var places = steps.slice(0, count).sort(function (a, b) { return a - b; }), apart = places.map(function (k) { return v[k + 1] - v[k]; });
    var narrow = Math.min.apply(null, apart);
    if (narrow < Math.max(least, 0) || narrow <= 0) { return null; }
    if (span - apart.reduce(function (a, b) { return a + b; }, 0) <= 0.35 * span) { return places.map(function (k) { return niceBetween(v[k], v[k + 1]); }); }
  }
  return null;
}
function stepsBetween(low, high, step) {
  for (var out = [], k = Math.floor(low / step) + 1; k <= Math.ceil(high / step) - 1; k++) { out.push(shortNumber(k * step)); }
  return out;
}
function evenLimits(v, least, most) {
  var low = quantileOf(v, 0.02), high = quantileOf(v, 0.98), step = roundStep(Math.max((high - low) / most, least)), k;
  if (!(step > 0)) { return null; }
  var limits = stepsBetween(low, high, step);
  if (limits.length >= most) { limits = stepsBetween(low, high, roundStep(step * 1.01)); }
  if (limits.length < 2) { return null; }
  for (k = 0; k <= limits.length; k++) {
    var share = ((k === limits.length ? v.length : below(v, limits[k])) - (k ? below(v, limits[k - 1]) : 0)) / v.length;
    if (share < 0.05 || share > 0.45) { return null; }
  }
  return limits;
}
function quantileLimits(v, most) {
  var bulk = quantileOf(v, 0.9) - quantileOf(v, 0.1) || v[v.length - 1] - v[0], step = Math.pow(10, Math.floor(Math.log10(bulk / most / 2))), out = [];
  for (var k = 1; k < most; k++) { out.push(shortNumber(Math.floor(quantileOf(v, k / most) / step + 0.5) * step)); }
  return out;
}
function classLimits(values, least, most) {
  var v = Float64Array.from(values).sort(), out = [], last = v[v.length - 1];
  if (!v.length || last - v[0] <= Math.max(least, 0)) { return []; }
  var found = gapLimits(v, least, most) || evenLimits(v, least, most) || quantileLimits(v, most), before = v[0];
  Array.from(new Set(found)).sort(function (a, b) { return a - b; }).forEach(function (limit) {
    var held = below(v, limit) - below(v, out.length ? out[out.length - 1] : v[0]);
    if (held && limit - before >= least && last - limit >= least && v[0] < limit && limit <= last) { out.push(limit); before = limit; }
  });
  return out;
}
function legendDigits(breaks) {
  return breaks.reduce(function (most, b) { return Math.max(most, (b.toFixed(6).replace(/0+$/, "").split(".")[1] || "").length); }, 0);
}
/* A scale of one kind of roof: limits, and the colours that go with them; dark is the better end. */
function scaleOf(breaks, colours, better) {
  var count = breaks.length + 1, out = [];
  for (var k = 0; k < count; k++) { out.push(colours[Math.round(count === 1 ? (colours.length - 1) / 2 : k * (colours.length - 1) / (count - 1))]); }
  if (better === "less") { out.reverse(); }
  return { breaks: breaks, colours: out };
}
function classIn(value, breaks) {
  var k = 0;
  while (k < breaks.length && value >= breaks[k]) { k += 1; }
  return k;
}
/* Scales of a measure for what a model gives at rest; a slider moves roofs through them. */
var heldScales = {};
function scalesNow(m) {
  if (m.kinds || (state.model === "plan" && !state.case)) { return m; }
  var key = m.key + " " + state.model + " " + state.case;
  if (!heldScales[key]) {
    var values = restValues(m.key), houses = [], halls = [], modules = tables.roofs.modules;
    if (!values) { return m; }
    for (var i = 0; i < values.length; i++) { if (modules[i] > 0 && values[i] === values[i]) { (isHall(i) ? halls : houses).push(values[i]); } }
    if (!houses.length && !halls.length) { return m; }
    heldScales[key] = Object.assign({}, m, { houses: madeScale(m, houses, data.colours, MOST_CLASSES), halls: madeScale(m, halls, data.hall_colours, 3) });
  }
  return heldScales[key];
}
function madeScale(m, values, colours, most) {
  if (!values.length) { return null; }
  var sorted = Float64Array.from(values, Math.abs).sort();
  return scaleOf(classLimits(values, Math.max(m.doubt * quantileOf(sorted, 0.5), m.shown), most), colours, m.better);
}
function isHall(i) { return tables.roofs.hall && tables.roofs.hall[i] === 1; }
/* The class of a roof's value; halls have a scale of their own. */
function classOf(value, m, i) {
  if (!(value === value)) { return UNKNOWN; }
  if (m.kinds) { return Math.max(m.kinds.indexOf(value), 0); }
  var hall = isHall(i) && m.halls;
  return hall ? HALL + classIn(value, m.halls.breaks) : classIn(value, (m.houses || m.halls).breaks);
}
function colourOf(k) {
  var m = currentMeasure();
  if (SIGN_LOOKS[k]) { return SIGN_LOOKS[k].fill; }
  if (k === FAINT) { return "#eceee9"; }
  if (m.kinds) { return m.colours[k]; }
  return k >= HALL ? m.halls.colours[k - HALL] : (m.houses || m.halls).colours[k];
}
/* What a scale's class says: its limits as they are; one class names its range. */
function classWords(m, scale, k, range) {
  var unit = unitOf(m.key), times = unit === "%" ? 100 : 1, digits = legendDigits(scale.breaks.map(function (b) { return shortNumber(b * times); }));
  function said(v) { return number(shortNumber(v * times), digits); }
  if (!scale.breaks.length) {
    if (!range) { return "–"; }
    var low = shortNumber(Math.floor(range[0] / m.shown + 1e-9) * m.shown), high = shortNumber(Math.ceil(range[1] / m.shown - 1e-9) * m.shown);
    digits = legendDigits([shortNumber(m.shown * times)]);
    return low === high ? said(low) : said(low) + " – " + said(high);
  }
  return k === 0 ? "< " + said(scale.breaks[0]) : k === scale.breaks.length ? "≥ " + said(scale.breaks[k - 1]) : said(scale.breaks[k - 1]) + " – " + said(scale.breaks[k]);
}
