/* The view in the address: colour, model, sliders, filters, selection, place. A link opens the same. */
var quiet = false;
function addressNow() {
  var out = [["lang", state.language], ["c", state.measure]];
  if (state.model !== "plan") { out.push(["model", state.model]); }
  if (state["case"]) { out.push(["case", state["case"]]); }
  if (comparing()) { out.push(["with", state.other]); }
  if (state.rows !== "homes") { out.push(["rows", state.rows]); }
  if (!state.fill) { out.push(["fill", 0]); }
  if (view.zones) { out.push(["grid", 1]); }
  if (view.hamlets) { out.push(["hamlets", 1]); }
  if (view.whyNot) { out.push(["why", 1]); }
  if (state.sort.key !== firstSort() || !state.sort.down) { out.push(["sort", state.sort.key + (state.sort.down ? "-" : "+")]); }
  Object.keys(state.settings).forEach(function (key) { out.push(["s." + key, state.settings[key]]); });
  state.filters.forEach(function (f) {
    var said = f.kind === "range" ? (f.low === null ? "" : f.low) + "~" + (f.high === null ? "" : f.high) : f.kind === "word" ? f.value
      : f.kind === "area" ? f.points.map(function (p) { var at = latLngOf(p[0], p[1]); return at.lat.toFixed(6) + "," + at.lng.toFixed(6); }).join("~") : "1";
    out.push(["f." + f.kind + "." + f.key, said]);
  });
  if (state.chosen >= 0) { out.push(["roof", textAt(tables.roofs.building_id, state.chosen)]); }
  if (state.ticked.size && state.ticked.size <= 400) { out.push(["list", Array.from(state.ticked, function (i) { return textAt(tables.roofs.building_id, i); }).join("~")]); }
  var middle = map.getCenter();
  out.push(["at", middle.lat.toFixed(6) + "," + middle.lng.toFixed(6) + "," + map.getZoom()]);
  return "#" + out.map(function (pair) { return encodeURIComponent(pair[0]) + "=" + encodeURIComponent(pair[1]).replace(/%2C/g, ",").replace(/%7E/g, "~"); }).join("&");
}
/* Steps that a user would go back over are entries of their own; moves and slides are not. */
function remember(step) {
  if (quiet || !layer) { return; }
  var now = addressNow();
  // A page that is saved keeps the view that it was saved with.
  document.documentElement.setAttribute("data-view", now);
  if (now === location.hash) { return; }
  try {
    if (step) { history.pushState(null, "", now); } else { history.replaceState(null, "", now); }
  } catch (error) {
    // Where a page may not write its address (a frame, a notebook) it works without.
    view.addressless = String(error);
  }
}
var settling = 0;
function rememberSoon() { clearTimeout(settling); settling = setTimeout(function () { remember(false); }, 250); }

function idsOf(said) {
  var wanted = new Set(said.split("~")), out = [];
  for (var i = 0; i < view.roofs.count; i++) { if (wanted.has(textAt(tables.roofs.building_id, i))) { out.push(i); } }
  return out;
}
function numberOr(said, other_) { var v = said === "" ? NaN : Number(said); return v === v ? v : other_; }
/* Reads an address; what it does not say is as at the beginning, what nobody knows is left out. */
function readAddress(hash) {
  var told = {}, keys = data.measures.map(function (m) { return m.key; });
  hash.replace(/^#/, "").split("&").forEach(function (part) {
    var at = part.indexOf("=");
    if (at < 0) { return; }
    try { told[decodeURIComponent(part.slice(0, at))] = decodeURIComponent(part.slice(at + 1)); } catch (error) { told[part.slice(0, at)] = ""; }
  });
  state.language = data.languages.indexOf(told.lang) >= 0 ? told.lang : data.language;
  state.measure = keys.indexOf(told.c) >= 0 ? told.c : keys[0];
  state.model = data.models.indexOf(told.model) >= 0 && isLive(told.model) ? told.model : "plan";
  state["case"] = data.cases.some(function (row) { return row["case"] === told["case"]; }) && data.case_columns ? told["case"] : "";
  state.other = told["with"] !== undefined && data.others[Number(told["with"])] ? Number(told["with"]) : -1;
  state.rows = told.rows === "roofs" ? "roofs" : "homes";
  state.fill = told.fill !== "0";
  view.zones = told.grid === "1"; view.hamlets = told.hamlets === "1"; view.whyNot = told.why === "1";
  state.sort = told.sort ? { key: told.sort.slice(0, -1), down: told.sort.slice(-1) === "-" } : { key: "", down: true };
  state.settings = {}; state.filters = []; state.ticked = new Set(); state.chosen = -1;
  Object.keys(told).forEach(function (name) {
    var parts = name.split("."), key = parts.slice(2).join("."), said = told[name];
    if (parts[0] === "s" && SETTINGS.indexOf(parts[1]) >= 0 && Number(said) === Number(said)) { state.settings[parts[1]] = Number(said); }
    if (parts[0] !== "f") { return; }
    if (parts[1] === "range" && data.fields[key]) { var ends = said.split("~"); state.filters.push({ kind: "range", key: key, low: numberOr(ends[0], null), high: numberOr(ends[1] || "", null) }); }
    if (parts[1] === "word" && tables.roofs[key]) { state.filters.push({ kind: "word", key: key, value: said }); }
    if (parts[1] === "poor" && data.personal) { state.filters.push({ kind: "poor", key: key }); }
    if (parts[1] === "window") { state.filters.push({ kind: "window", key: "window" }); }
    if (parts[1] === "area") { var points = said.split("~").map(pointOf).filter(Boolean); if (points.length > 2) { state.filters.push({ kind: "area", key: "area", points: points }); } }
  });
  if (told.list) { idsOf(told.list).forEach(function (i) { state.ticked.add(i); }); }
  if (told.roof) { state.chosen = idsOf(told.roof).concat([-1])[0]; }
  var at = (told.at || "").split(",").map(Number);
  return at.length === 3 && at.every(function (v) { return v === v; }) ? at : null;
}
function pointOf(said) {
  var at = said.split(",").map(Number);
  return at.length === 2 && at[0] === at[0] && at[1] === at[1] ? [worldX(at[1]) - view.zero[0], worldY(at[0]) - view.zero[1]] : null;
}
/* Back and forward. */
function followAddress() {
  if (location.hash === addressNow()) { return; }
  quiet = true;
  var at = readAddress(location.hash);
  if (at) { map.setView([at[0], at[1]], at[2], { animate: false }); }
  recompute(); all();
  quiet = false;
}
